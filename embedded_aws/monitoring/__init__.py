"""CloudWatch: the metrics that services report by themselves, those in log lines, and the alarms on them."""
