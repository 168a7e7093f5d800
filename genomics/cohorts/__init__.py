"""A cohort's quality and structure, computed by Hail: what the notebook cohort_qc calls.

Positions are as VCF has them, 1-based. Nothing here starts Hail but `session.start`.
"""
