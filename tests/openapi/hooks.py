"""What no schema says: which model the daemon under test serves, how wide its rows are, and which
fields of a body must agree. schemathesis loads this (SCHEMATHESIS_HOOKS); run.sh starts it."""

import os
import pathlib

import schemathesis
from hypothesis import strategies as st

MODEL, VARIABLES = "weather", ("temp", "humidity")
MODEL_BYTES = pathlib.Path(os.environ["OPENAPI_MODEL"]).read_bytes()
HORIZON_MAX = 24  # with intervals, and so that answers are short

STEP_LINES = b"""{"session":"pump-7","x":[21.4,0.55]}
{"session":"pump-8","x":{"temp":20.9}}
{"session":7}
"""
JOB_LINES = b"""{"model":"weather","hyperparameters":{"n_epochs":1}}
{"x":[[21.4,0.55],[21.5,0.54],[21.7,0.52],[21.6,0.5],[21.9,0.5],[21.8,0.4],[21.7,0.4]]}
"""

schemathesis.openapi.media_type("application/octet-stream", st.just(MODEL_BYTES))
schemathesis.openapi.media_type("application/x-ndjson", st.just(STEP_LINES))


@schemathesis.deserializer("application/octet-stream", "application/x-ndjson")
def deserialize_text(ctx, response):
    return response.content.decode("latin-1")


# ---- replies hold what their schemas have, and nothing else ----


def close(schema):
    """The document leaves replies open for what later versions add; this version adds nothing."""
    if isinstance(schema, dict):
        if schema.get("type") in ("object", ["object", "null"]) and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            close(part)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    close(raw_schema["components"]["schemas"])


# ---- most requests are about the model that is there ----


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    if path_parameters and "model" in path_parameters and (
            context.operation.method != "put" or "rule" in path_parameters):
        path_parameters["model"] = MODEL
    return path_parameters


# ---- what is valid by the schema is made to fit the model, too ----


def fit_row(row, filler=0.5):
    if isinstance(row, dict):
        return {name: value for name, value in row.items() if name in VARIABLES}
    return (row + [filler] * len(VARIABLES))[: len(VARIABLES)]


def fit_rows(body, name):
    if name in body:
        body[name] = [fit_row(row) for row in body[name]]


def fit_forecast(body):
    body.pop("future", None)  # the model's outputs feed all of its inputs
    if "horizon" in body:
        body["horizon"] = min(body["horizon"], HORIZON_MAX)
    if "crossing" in body:
        body.setdefault("horizon", 1)
        fit_crossing(body["crossing"])
    if isinstance(body.get("explain"), dict):
        body["explain"] = {"output": VARIABLES[1], "ahead": body.get("horizon", 1)}


def fit_crossing(crossing):
    crossing["output"] = VARIABLES[0]
    if "above" in crossing:
        crossing.pop("below", None)


def fit_step(body):
    fit_forecast(body)
    body["x"] = fit_row(body["x"])
    if "seq" not in body:
        body.pop("begin", None)
        body.pop("fill", None)
    body.pop("step", None)  # of a reading that the session has
    if "at" not in body:
        body.pop("late", None)


def fit_steps(body):
    for step in body["steps"]:
        fit_step(step)


def fit_predict(body):
    fit_forecast(body)
    if "instances" in body:
        body.pop("at", None)  # each has its own
    for sequence in body.get("instances", [body]):
        sequence.pop("future", None)
        fit_rows(sequence, "x")


def fit_evaluate(body):
    fit_forecast(body)
    fit_rows(body, "x")
    fit_rows(body, "y")
    if "y" in body:
        body["y"] = [[None] * len(VARIABLES)] * len(body["x"])  # what outputs feed is known from x


def fit_session(body):
    """A state, a calibration and the means of errors are opaque: what GET gave."""
    for name in ("state", "last", "y", "transforms", "digest", "calibration"):
        body.pop(name, None)
    fit_rows(body, "rewarm")
    fit_rows(body, "readings")
    if "errors" in body:
        body["errors"].pop("means", None)
        for name in ("n", "mae", "rmse"):
            body["errors"][name] = fit_row(body["errors"][name], 1)
    if body.get("time"):
        body["time"] = {"last_at": body["time"]["last_at"]}


def fit_rule(body):
    """Looks at one thing, by its own bound, and posts to where nobody is."""
    bounds = {"coverage": "below", "anomaly": "p_value", "crossing": "probability"}
    kind = next(name for name in bounds if name in body)
    for name, bound in bounds.items():
        if name != kind:
            body.pop(name, None)
            body.pop(bound, None)
    body.setdefault(bounds[kind], 0.5)
    if kind == "crossing":
        fit_crossing(body[kind])
    else:
        body[kind] = True
    body["url"] = "https://hooks.invalid/grud"


def fit_job(body):
    """Trains quickly on what run.sh has had recorded."""
    body["model"] = MODEL
    body["training"] = {"sessions_prefix": "pump-"}
    body.pop("validation", None)
    body.pop("promotion", None)
    if body.get("metadata"):
        body["metadata"] = {"line": 7}  # at most 2048 bytes, and numbers that a float holds
    if body.get("suffix"):
        body["suffix"] = body["suffix"][:16]  # at most 64 bytes
    if "recipe" in body:
        body.pop("hyperparameters", None)  # it finds out itself
        body["recipe"] = "auto"
        body["max_seconds"] = 1
        return
    hyperparameters = body.setdefault("hyperparameters", {})
    others = ("momentum", "weight_decay", "l2_sp", "learning_rate", "clip_norm")
    for name in ("loss", "class_weights", "output_weights", "schedule", "horizon_loss",
                 "sampling", *others):  # some need each other
        hyperparameters.pop(name, None)
    hyperparameters["n_epochs"] = 1


FITS = {
    "Step": fit_step,
    "Steps": fit_steps,
    "Forecast": fit_forecast,
    "Predict": fit_predict,
    "Evaluate": fit_evaluate,
    "SessionRestore": fit_session,
    "RuleWanted": fit_rule,
    "JobCreate": fit_job,
}


def body_schema(operation):
    content = operation.definition.raw.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("schema", {}).get("$ref", "").rsplit("/", 1)[-1]


def is_valid(meta):
    """Whether the case, whole and part by part, is meant to be taken."""
    return (
        meta is not None
        and meta.generation.mode.is_positive
        and not any(part.mode.is_negative for part in meta.components.values())
    )


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path.endswith("/sessions") and case.query and is_valid(case.meta):
        case.query.pop("after", None)  # what it may be depends on `order`
    name = body_schema(case.operation)
    is_positive = is_valid(case.meta)
    if name == "JobCreate" and case.media_type == "application/x-ndjson":
        kwargs["data"] = JOB_LINES if is_positive else b'{"model":\n'
    elif is_positive and name in FITS and isinstance(case.body, dict):
        FITS[name](case.body)
