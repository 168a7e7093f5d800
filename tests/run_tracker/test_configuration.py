"""The lab's configuration: its own platforms take part, and what is wrong with it is one line."""

from pathlib import Path

import pytest
from run_tracker.configuration import ConfigurationError, read_configuration
from run_tracker.platforms import BaseCallFormat, identify

from tests.run_tracker.datasync_service import TASK_ARN

BASE = f'landing_folder = "/runs"\nstate_folder = "/state"\n[datasync]\ntask_arn = "{TASK_ARN}"\n'


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def test_defaults_need_three_settings(tmp_path: Path) -> None:
    configuration = read_configuration(_written(tmp_path, BASE))
    assert (configuration.qc.flag, configuration.datasync.region) == ("qc", "eu-west-1")


def test_a_lab_changes_a_platform_and_adds_its_own(tmp_path: Path) -> None:
    text = BASE + (
        "[platforms.novaseq_6000]\nsettle_minutes = 5\n"
        '[platforms.prototype]\nbased_on = "miseq"\ninstruments = "A99\\\\d+"\nmarkers = ["Done.txt|Done.xml"]\n'
        'base_calls = "cbcl"\n'
    )
    policies = read_configuration(_written(tmp_path, text)).platforms
    own = identify(policies, instrument="A99001", application="")
    assert (own.name, own.markers, own.base_calls) == ("prototype", ("Done.txt|Done.xml",), BaseCallFormat.CBCL)
    changed = identify(policies, instrument="A00001", application="")
    assert (changed.name, changed.settle_minutes) == ("novaseq_6000", 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('state_folder = "x"\n[datasync]\ntask_arn = "x"', "landing_folder is missing"),
        (BASE.replace("landing_folder", "landing_foldr"), "landing_foldr is not known; did you mean 'landing_folder'?"),
        (BASE + "[qc]\nmin_percent_q30 = 180", "qc.min_percent_q30 must be percent, 0 to 100, not 180"),
        (BASE + '[qc]\nmin_percent_q30 = "high"', "qc.min_percent_q30 must be a number, not 'high'"),
        (BASE + "[qc]\nmin_cycles = -1", "qc.min_cycles must be cycles, 0 to 100000, not -1"),
        (BASE + "[qc]\nmin_cycles = nan", "qc.min_cycles must be a whole number, not nan"),
        (BASE + "[alarms]\nrpo_hours = nan", "alarms.rpo_hours must be hours"),
        (BASE + '[qc]\nflag = ""', "qc.flag must be a file's name"),
        (BASE + "[platforms.novaseq_7000]\nsettle_minutes = 3", "platforms.novaseq_7000 is not known (did you mean"),
        (BASE + '[platforms.own]\nbased_on = "novaseq9"', "platforms.own.based_on must be one of miseq, nextseq_500"),
        (BASE + '[platforms.miseq]\nbase_calls = "fastq"', "platforms.miseq.base_calls must be one of tile_bcl"),
        (BASE + "[platforms.miseq]\nmarkers = []", "platforms.miseq.markers must name at least one file"),
        (BASE + '[platforms.miseq]\ninstruments = "("', "platforms.miseq.instruments is no regular expression"),
        (BASE + "[platforms.miseq]\nsettle_minutes = -1", "platforms.miseq.settle_minutes must be minutes"),
        (BASE + "[platforms]\nmiseq = 1", "platforms.miseq must be a table"),
        (BASE + "max_attempts = 0", "datasync.max_attempts must be attempts, 1 to 100, not 0"),
        (BASE.replace(TASK_ARN, "task-1"), "datasync.task_arn must be the ARN of a DataSync task, not 'task-1'"),
        (BASE + 'bucket = "s3://x"', "datasync.bucket must be a bucket's name, not 's3://x'"),
        (BASE + '[files]\nexclude = ["a|b"]', "files.exclude pattern 'a|b' must be one pattern"),
        (BASE + '[files]\ninclude = ["a*b"]', "files.include pattern 'a*b' may hold '*' only at its end"),
        (BASE + "[files]\nexclude = []", "files.exclude is empty: DataSync would leave out what its task excludes"),
        (
            BASE + "late_days = 90",
            "datasync.late_days must be days, 0 or more and fewer than datasync.archive_days",
        ),
        (
            BASE + "archive_days = 5",
            "must be days, 0 or more and fewer than datasync.archive_days (5), not 7",
        ),
        (BASE + "[files]\nexclude = 3", "files.exclude must be a list of texts, not 3"),
        (BASE + '[alarms]\nsns_topic_arn = "mail"', "alarms.sns_topic_arn must be the ARN of an SNS topic"),
        ("landing_folder = x", "(at line 1, column 18)"),
    ],
)
def test_a_bad_setting_is_one_line_that_names_it(text: str, message: str, tmp_path: Path) -> None:
    path = _written(tmp_path, text)
    with pytest.raises(ConfigurationError) as raised:
        read_configuration(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value).replace("\n", " ")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file; name one with --config"):
        read_configuration(tmp_path / "none.toml")
