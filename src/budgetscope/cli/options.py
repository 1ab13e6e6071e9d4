"""Options that several commands share, and options made from fields of `api.fields`."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.models import OptionInfo

from budgetscope.api.fields import BY_NAME, COUNT, SHARE, WHOLE, Field, fields_of
from budgetscope.core.errors import UsageError

if TYPE_CHECKING:
    from budgetscope.api import PlanRequest

Command = Callable[..., None]


def _parsed(field: Field, given: Any) -> Any:
    """Return the value of an option; Typer passes defaults too, which are not text."""
    return field.parse(given) if isinstance(given, str) else given


def option(field: Field) -> OptionInfo:
    """Return the option of a field."""
    return cast("OptionInfo", typer.Option(help=field.help, parser=partial(_parsed, field), metavar=field.metavar))


def whole(name: str, text: str, low: int, high: int, *, show_range: bool = False) -> OptionInfo:
    """Return an option for a whole number, such as 2048 or 4k.

    Args:
        name: of the parameter.
        text: for the help.
        low: lowest value.
        high: highest value.
        show_range: whether the help shows `low` and `high`.
    """
    metavar = "<int range>" if show_range else "<int>"
    made = option(Field(name=name, help=text, metavar=metavar, kind=WHOLE, bounds=(low, high)))
    if show_range:
        made.min, made.max = low, high
    return made


def number(name: str, text: str, low: float, high: float, metavar: str = "<float>") -> OptionInfo:
    """Return an option for a number, such as 2.5 or 1k; see `whole`."""
    return option(Field(name=name, help=text, metavar=metavar, kind=COUNT, bounds=(low, high)))


def share(name: str, text: str, low: float, high: float) -> OptionInfo:
    """Return an option for a share, such as 0.4 or 40%; see `whole`."""
    return option(Field(name=name, help=text, metavar="SHARE", kind=SHARE, bounds=(low, high)))


Budget = Annotated[str, typer.Argument(help=BY_NAME["budget"].help, metavar=BY_NAME["budget"].metavar)]
SeqLen = Annotated[int | None, option(BY_NAME["seq_len"])]
Vocab = Annotated[int | None, option(BY_NAME["vocab"])]
Counting = Annotated[str | None, option(BY_NAME["counting"])]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: every field, numbers in full.")]
_FORMS = {
    "json": Json,
    "md": Annotated[bool, typer.Option("--md", help="Print Markdown.")],
    "csv": Annotated[bool, typer.Option("--csv", help="Print CSV: raw numbers.")],
}
Lang = Annotated[str | None, typer.Option("--lang", help="Language of labels and sentences: en or ja.", metavar="LANG")]


def question(verb: str, *, optional: bool = False) -> Callable[[Command], Command]:
    """Return a decorator that replaces the parameter `request` of a command by the budget and the options of a request.

    In the help the options stand in the place of `request`.

    Args:
        verb: name of the command.
        optional: whether the budget may be left out; `request` is then None.
    """
    asked = fields_of(verb)

    def decorate(body: Command) -> Command:
        @wraps(body)
        def command(**given: Any) -> None:
            fields = {field.name: given.pop(field.name) for field in asked}
            body(request=_request(fields), **given)

        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(body).parameters.values():
            if parameter.name == "request":
                parameters += [_parameter(field, optional=optional) for field in asked]
            else:
                parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        return spoken(_with_parameters(command, parameters))

    return decorate


def forms(*names: str) -> Callable[[Command], Command]:
    """Return a decorator that replaces the parameter `form` of a command by one option for each form of its output.

    The command gets the name of the one that is asked for, or None for the screen; more than one is refused. In the
    help the options stand in the place of `form`.

    Args:
        names: of `json`, `md` and `csv`.
    """
    kind = inspect.Parameter.KEYWORD_ONLY
    asked = [inspect.Parameter(name, kind, default=False, annotation=_FORMS[name]) for name in names]

    def decorate(body: Command) -> Command:
        @wraps(body)
        def command(**given: Any) -> None:
            body(form=_one_form({name: given.pop(name) for name in names}), **given)

        parameters: list[inspect.Parameter] = []
        for parameter in inspect.signature(body).parameters.values():
            parameters += asked if parameter.name == "form" else [parameter.replace(kind=kind)]
        return _with_parameters(command, parameters)

    return decorate


def _one_form(wanted: Mapping[str, bool]) -> str | None:
    """Return the one form that is wanted; None when none is.

    Raises:
        UsageError: more than one is.
    """
    found = [name for name, is_wanted in wanted.items() if is_wanted]
    if len(found) > 1:
        raise UsageError(f"--{found[0]} and --{found[1]} exclude each other; choose one.")
    return found[0] if found else None


def _request(fields: Mapping[str, Any]) -> "PlanRequest | None":
    """Return the request of the fields; None where no budget is given.

    Raises:
        UsageError: another field is given without a budget.
    """
    from budgetscope.api import PlanRequest

    if fields["budget"] is not None:
        return PlanRequest(**fields)
    given = next((name for name, value in fields.items() if value is not None), None)
    if given is not None:
        raise UsageError(f"{BY_NAME[given].option} belongs to a budget, and none is given; name one, such as 1e21.")
    return None


def spoken(body: Command) -> Command:
    """Decorate a command that speaks the user's language: it takes `--lang`, also before its name.

    The parameters of the command must be keyword-only.
    """

    @wraps(body)
    def command(*, context: typer.Context, lang: str | None, **given: Any) -> None:
        from budgetscope.api.language import use_language

        use_language(lang if lang is not None else context.find_root().params.get("lang"))
        body(**given)

    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        *inspect.signature(body).parameters.values(),
        inspect.Parameter("lang", kind, default=None, annotation=Lang),
        inspect.Parameter("context", kind, annotation=typer.Context),
    ]
    return _with_parameters(command, parameters)


def _with_parameters(command: Command, parameters: list[inspect.Parameter]) -> Command:
    """Give a command the parameters that Typer reads."""
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameter(field: Field, *, optional: bool) -> inspect.Parameter:
    is_budget = field.name == "budget"
    budget = Annotated[str | None, typer.Argument(help=field.help, metavar=field.metavar)] if optional else Budget
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if is_budget and not optional else None,
        annotation=budget if is_budget else Annotated[Any, option(field)],
    )
