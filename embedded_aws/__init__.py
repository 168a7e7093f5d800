"""The cloud on one machine: deploys the synthesized templates into moto and makes the services really run.

One file per service. Each lists the moto symbols that it touches, with the hash of the source it was written for.
"""
