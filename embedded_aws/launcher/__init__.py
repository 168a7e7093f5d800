"""Starts the processes of containers, functions and jobs from a small process that is ready to become any of them.

A command that is a Python program continues in a copy of an interpreter that has read what nearly all of them import,
instead of in a new one that takes most of a second to read it again. Any other command replaces the copy.
"""
