#!/bin/bash
# The commands that the platform's tools run for one sample on one lane, in the same order and with the same arguments.
# Coverage is measured beside the calling, as there. The environment gives what differs between runs.
set -euo pipefail
: "${FASTA:?}" "${READS_1:?}" "${READS_2:?}" "${SAMPLE:?}" "${CHROM:?}" "${START:?}" "${END:?}"
: "${FASTP_THREADS:?}" "${ALIGN_THREADS:?}" "${COVERAGE_THREADS:?}" "${QUALITY_THREADS:?}" "${SORT_MIB:?}" "${PYTHON:?}"

began=$EPOCHREALTIME
step() {
  local now=$EPOCHREALTIME
  awk -v name="$1" -v from="$began" -v to="$now" 'BEGIN { printf "%s %.2f\n", name, to - from }' >> steps.txt
  began=$now
}

mkdir -p given
cp "$FASTA" genome.fa
samtools faidx genome.fa
bwa index -a is genome.fa
step prepare_reference

fastp --in1 "$READS_1" --in2 "$READS_2" --out1 reads_R1.fastq.gz --out2 reads_R2.fastq.gz \
  --json "given/${SAMPLE}_L001.fastp.json" --html /dev/null --length_required 30 --qualified_quality_phred 15 \
  --dont_eval_duplication --thread "$FASTP_THREADS"
step fastp

group="@RG\\tID:$SAMPLE.L001\\tSM:$SAMPLE\\tLB:$SAMPLE\\tPL:ILLUMINA\\tPU:$SAMPLE.L001"
bwa mem -t "$ALIGN_THREADS" -K 100000000 -T 30 -R "$group" genome.fa reads_R1.fastq.gz reads_R2.fastq.gz \
  | samtools fixmate --no-PG -m -u - - \
  | samtools sort --no-PG -u -m "${SORT_MIB}M" -@ "$ALIGN_THREADS" -T sort_L001 - \
  | samtools markdup --no-PG -@ "$ALIGN_THREADS" -T markdup - "$SAMPLE.bam"
samtools quickcheck -v "$SAMPLE.bam"
samtools index -@ "$ALIGN_THREADS" "$SAMPLE.bam"
samtools flagstat -@ "$ALIGN_THREADS" "$SAMPLE.bam" > "$SAMPLE.flagstat"
step align

printf '%s\t%d\t%d\n' "$CHROM" "$((START - 1))" "$END" > regions.bed
mosdepth --no-per-base --by regions.bed --thresholds 1,10,20,30 --mapq 0 --threads "$COVERAGE_THREADS" \
  "$SAMPLE" "$SAMPLE.bam" &
coverage=$!

# A thousand bases more on both sides, as the platform's tool looks at.
printf '%s\t%d\t%d\n' "$CHROM" "$START" "$END" > region.tsv
printf '%s\t%d\t%d\n' "$CHROM" "$((START - 1000))" "$((END + 1000))" > around.tsv
printf '%s\t%d\t%d\n' "$CHROM" "$((START - 1001))" "$((END + 1000))" > around.bed
freebayes --fasta-reference genome.fa --targets around.bed --strict-vcf --min-mapping-quality 20 \
  --min-base-quality 13 --limit-coverage 1000 --ploidy 2 --haplotype-length -1 --no-population-priors \
  --binomial-obs-priors-off --allele-balance-priors-off "$SAMPLE.bam" > haplotypes.vcf
"$PYTHON" -c 'from pathlib import Path
from batch_tools.call_variants.haplotypes import write_alleles
contigs = {line.split("\t")[0]: int(line.split("\t")[1]) for line in open("genome.fa.fai")}
write_alleles(Path("haplotypes.vcf"), Path("alleles.vcf"), reference="genome.fa", contigs=contigs)'
normalise() {
  bcftools norm --no-version --output-type u --fasta-ref genome.fa --multiallelics -any "$1" \
    | bcftools sort --temp-dir sort_ --output-type u \
    | bcftools norm --no-version --rm-dup exact --output-type v --output "$2"
}
normalise alleles.vcf alleles.norm.vcf
bcftools mpileup --no-version --output-type u --fasta-ref genome.fa --regions-file around.tsv --min-MQ 20 --min-BQ 13 \
  --max-depth 1000 --max-idepth 1000 --annotate FORMAT/AD,FORMAT/DP "$SAMPLE.bam" \
  | bcftools call --no-version --output-type u --multiallelic-caller --variants-only --ploidy 2 --annotate FORMAT/GQ \
      --output pileup.bcf
normalise pileup.bcf pileup.norm.vcf
"$PYTHON" -c 'from pathlib import Path
from batch_tools.call_variants.ensemble import write_ensemble
write_ensemble(Path("pileup.norm.vcf"), Path("alleles.norm.vcf"), Path("ensemble.vcf"))'
bcftools view --no-version --targets-file region.tsv --targets-overlap 0 --output-type b --output calls.bcf ensemble.vcf
bcftools index --csi calls.bcf
step call_variants

bcftools concat --no-version --output-type u calls.bcf \
  | bcftools norm --no-version --output-type u --fasta-ref genome.fa \
  | bcftools sort --max-mem 1792M --temp-dir sort_ -Ou \
  | bcftools norm --no-version --output-type u --rm-dup exact \
  | bcftools filter --no-version --output-type u --mode + --soft-filter LowQual --exclude 'QUAL<10' \
  | bcftools filter --no-version --output-type u --mode + --soft-filter LowDepth --exclude 'FORMAT/DP<3' \
  | bcftools annotate --no-version --output-type z --threads 1 --output "$SAMPLE.vcf.gz"
bcftools index --tbi "$SAMPLE.vcf.gz"
bcftools stats "$SAMPLE.vcf.gz" > "given/$SAMPLE.bcftools_stats.txt"
wait "$coverage"
step gather_variants

samtools stats --threads "$QUALITY_THREADS" "$SAMPLE.bam" > "given/$SAMPLE.samtools_stats.txt"
cp "$SAMPLE.mosdepth.summary.txt" "$SAMPLE.mosdepth.region.dist.txt" given
printf 'use_filename_as_sample_name: true\nno_version_check: true\n' > config.yaml
multiqc --no-ansi --config config.yaml --module fastp --module samtools --module mosdepth --module bcftools \
  --filename multiqc.html given
step quality
