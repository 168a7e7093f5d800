"""Step Functions: the deployed definition, interpreted under the machine's own role."""
