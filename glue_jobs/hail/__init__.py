"""A VCF as Hail reads it, beside `glue_jobs.vcf`: what Hail says of each record becomes the same rows.

What Hail does not say is not in the rows: the order of alleles of a call that is not phased; which allele of a call is
missing (all of it is); whether a missing field stands there as `.` or not at all; fields that the header does not
declare; arrays of text in FORMAT, which it misreads; records that it leaves out, and those that it stops at. Integers
beyond 32 bits it reads as others.
"""
