"""What the platform tells CloudWatch of its Batch jobs, and the tags of jobs, by which costs are told apart."""

import enum

NAMESPACE = "Genomics"

# Dimensions. Those of a tool sum over its runs and samples: a metric for each sample would cost more than the sample.
PROJECT = "Project"
TOOL = "Tool"
QUEUE = "Queue"

# Tags of a job. `sample` is absent where a job is for all samples; `study` stands for `run` where studies are archived.
PROJECT_TAG = "project"
RUN_TAG = "run"
STUDY_TAG = "study"
SAMPLE_TAG = "sample"
TOOL_TAG = "tool"

# The tool of a job without a tag, such as one that somebody submits by hand.
OTHER_TOOL = "other"


# A vCPU of the instances that a price per vCPU-hour is of goes with so much memory.
GIB_PER_VCPU = 4


class JobMetric(enum.StrEnum):
    """Of each job that has ended. The counts are 0 or more for each; seconds are wall time; the cost is in US dollars.

    `WAIT` is from submission to the first attempt's start, `RUN` the sum over all attempts, and `COST` what its share
    of a machine comes to in that time. A job that never started has none of them.
    """

    SUCCEEDED = "JobsSucceeded"
    FAILED = "JobsFailed"
    SPOT_INTERRUPTIONS = "SpotInterruptions"
    WAIT = "WaitSeconds"
    RUN = "RunSeconds"
    COST = "EstimatedCost"
