"""Calls with the policies that they are made under, and whether IAM lets them through; each with what it follows."""
