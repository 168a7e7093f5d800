"""Which triggers Glue takes: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-trigger.html."""

from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.glue.exceptions import EntityNotFoundException, InvalidInputException

from embedded_aws.events.cron import Cron, ExpressionError, parse

_MOST_CRAWLERS = 2


def require_sound(told: Mapping[str, Any], backend: Any) -> None:
    """Refuse a trigger that could never fire, or whose name is taken."""
    kind, name = told.get("Type"), told["Name"]
    if name in backend.triggers:
        raise JsonRESTError("AlreadyExistsException", f"Trigger with name {name} already exists")
    if kind not in ("SCHEDULED", "CONDITIONAL", "ON_DEMAND", "EVENT"):
        raise InvalidInputException("CreateTrigger", f"Trigger type {kind} is not valid")
    if kind == "ON_DEMAND" and told.get("StartOnCreation"):
        raise InvalidInputException("CreateTrigger", "StartOnCreation is not supported for ON_DEMAND triggers")
    if kind == "EVENT" and not told.get("WorkflowName"):
        raise InvalidInputException("CreateTrigger", "An EVENT trigger must be part of a workflow")
    if kind == "SCHEDULED":
        cron(told.get("Schedule") or "")
    if (workflow := told.get("WorkflowName")) and workflow not in backend.workflows:
        raise EntityNotFoundException(f"Workflow {workflow} not found")
    require_known_actions(told.get("Actions") or (), "CreateTrigger", backend)


def cron(text: str) -> Cron:
    """Triggers know cron expressions only. InvalidInputException for any other."""
    try:
        expression = parse(text)
    except ExpressionError as error:
        raise InvalidInputException("CreateTrigger", f"Schedule is not valid: {error}") from error
    if not isinstance(expression, Cron):
        raise InvalidInputException("CreateTrigger", f"Schedule {text} is not a cron expression")
    return expression


def require_known_actions(actions: Iterable[Mapping[str, Any]], operation: str, backend: Any) -> None:
    """Refuse actions that name nothing that is there."""
    # about-triggers: "Only two crawlers can be activated by a single trigger."
    actions = list(actions)
    if sum(bool(action.get("CrawlerName")) for action in actions) > _MOST_CRAWLERS:
        raise InvalidInputException(operation, f"A trigger starts {_MOST_CRAWLERS} crawlers at most")
    for action in actions:
        if bool(action.get("JobName")) == bool(action.get("CrawlerName")):
            raise InvalidInputException(operation, "An action names either a job or a crawler")
        if (job := action.get("JobName")) and job not in backend.jobs:
            raise EntityNotFoundException(f"Job {job} not found")
        if (crawler := action.get("CrawlerName")) and crawler not in backend.crawlers:
            raise EntityNotFoundException(f"Crawler {crawler} not found")
