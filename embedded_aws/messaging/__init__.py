"""SQS and SNS: queues, the pollers that hand their messages to functions, and mail."""
