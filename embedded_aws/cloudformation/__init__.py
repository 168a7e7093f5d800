"""Stacks: templates carried out after the table in `resources`, and the deployment of a cloud assembly."""
