"""IAM's policy language: what a policy document says about an action on a resource, and how several are weighed.

Nothing in here knows of moto, of a request, or of where a policy is kept.
"""
