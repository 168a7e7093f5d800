"""What somebody must be told of."""

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from run_tracker.configuration import Configuration
from run_tracker.errors import TrackerError
from run_tracker.space import WINDOW_SECONDS, landing_space
from run_tracker.standing import TRANSFER_FAILED, standings
from run_tracker.state import State

# SNS's limit to a subject.
_SUBJECT_CHARACTERS = 100


def standing_alarms(configuration: Configuration, state: State, now: float) -> dict[str, str]:
    """The alarms that stand now, each a line, by a name that lasts as long as its cause."""
    alarms: dict[str, str] = {}
    settings = configuration.alarms
    for run in standings(state):
        if run.state == TRANSFER_FAILED:
            alarms[f"failed {run.run_id}"] = f"{run.run_id} could not be sent: {run.reason}"
        if run.unsent_since is not None and now - run.unsent_since > settings.rpo_hours * 3600:
            age = (now - run.unsent_since) / 3600
            alarms[f"rpo {run.run_id}"] = (
                f"{run.run_id} is {run.waits_as} for {age:.0f} hours and not sent (RPO {settings.rpo_hours:g} hours):"
                f" {run.state}, {run.reason}"
            )
    try:
        space = landing_space(configuration.landing_folder, state.space(now - WINDOW_SECONDS))
    except OSError as error:
        alarms["unreachable"] = f"{configuration.landing_folder} cannot be reached ({error.strerror}); mount it"
        return alarms
    if space.days_until_full is not None and space.days_until_full < settings.days_until_full:
        alarms["full"] = (
            f"{configuration.landing_folder} is full in {space.days_until_full:.1f} days if nothing is deleted"
            f" ({space.free / 1e9:.0f} GB free)"
        )
    return alarms


def tell(configuration: Configuration, state: State) -> None:
    """Publish alarms that nobody was told of; without a topic, `status` is where they are seen."""
    topic = configuration.alarms.sns_topic_arn
    untold = state.untold_alarms()
    if topic is None or not untold:
        return
    message = "\n".join(untold.values())
    subject = next(iter(untold.values())).encode("ascii", "replace").decode()
    if len(subject) > _SUBJECT_CHARACTERS:
        subject = subject[: _SUBJECT_CHARACTERS - 3] + "..."
    try:
        client = boto3.client("sns", region_name=topic.split(":")[3])
        client.publish(TopicArn=topic, Subject=subject, Message=message)
    except (ClientError, BotoCoreError) as error:
        raise TrackerError(f"alarms.sns_topic_arn: nobody could be told ({' '.join(str(error).split())})") from error
    state.note_told(list(untold))
