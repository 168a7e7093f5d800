"""What the tables say of real files, beside what bcftools says, and Hail."""
