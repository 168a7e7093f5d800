"""How right the calls are on real reads, beside what the plain tools call from the same reads."""
