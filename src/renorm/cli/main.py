"""The ``renorm`` command: arguments and help alone, so that ``--help`` is fast; the work is imported when asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from renorm.core.errors import RenormError

BAD_INPUT = 2
_UsageError = typer.BadParameter.__mro__[1]  # of click, or of the copy that newer releases of typer carry


class _Group(TyperGroup):
    """Bad input ends with status 2 and one line on stderr, never with a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except RenormError as error:
            code = _complain(str(error))
        except _UsageError as error:  # type: ignore[misc]
            if type(error).__name__ == "NoArgsIsHelpError":
                error.show()  # type: ignore[attr-defined]
                code = BAD_INPUT
            else:
                code = _complain(error.format_message())  # type: ignore[attr-defined]
        except FileNotFoundError as error:
            code = _complain(f"{error.filename}: no such file")
        except typer.Abort:
            code = 1
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else 0)


def _complain(text: str) -> int:
    line = " ".join(text.split())
    typer.echo(f"renorm: {''.join(c if c.isprintable() else '?' for c in line)}", err=True)
    return BAD_INPUT


app = typer.Typer(
    cls=_Group,
    name="renorm",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Compare normalizers on your data: which one helps, with error bars. Every method comes with a receipt.",
    epilog="Start with: renorm compare wine --target target --html wine.html",
)

Data = Annotated[str, typer.Argument(help="CSV or Parquet file, or a bundled set: wine, breast_cancer, diabetes, digits.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Header = Annotated[bool, typer.Option("--header/--no-header", help="Whether the first line of a CSV file has the names.")]


def _version(value: bool) -> None:
    if value:
        from renorm import __version__

        typer.echo(f"renorm {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Compare normalizers on your data: which one helps, with error bars."""


@app.command()
def compare(
    data: Data,
    target: Annotated[str | None, typer.Option("--target", "-t", help="Column to predict. Bundled sets: 'target'.")] = None,
    no_target: Annotated[bool, typer.Option("--no-target", help="Rank by held-out bits per dimension instead.")] = False,
    methods: Annotated[
        str | None,
        typer.Option("--methods", "-m", help="Normalizers, by commas, or 'all'. Identity, standard are added."),
    ] = None,
    estimators: Annotated[
        str | None, typer.Option("--estimators", "-e", help="Of knn, logistic or ridge, svm_rbf, boosting, by commas.")
    ] = None,
    scoring: Annotated[str | None, typer.Option(help="A scikit-learn scorer; accuracy or RMSE by default.")] = None,
    group: Annotated[str | None, typer.Option(help="Column whose rows stay together; it is no feature.")] = None,
    problem: Annotated[str | None, typer.Option(help="classification or regression; default: told from the target.")] = None,
    folds: Annotated[int | None, typer.Option(help="Folds of the cross-validation; 5 by default.")] = None,
    repeats: Annotated[
        int | None, typer.Option(help="Repeats of it; 10 by default up to 1000 rows, 3 up to 10 000, else 1.")
    ] = None,
    rope: Annotated[float | None, typer.Option(help="Differences up to this are practically none.")] = None,
    seed: Annotated[int, typer.Option(help="Splits and seeds follow from it.")] = 0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="Processes; one for each core by default.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report as one offline page.")] = None,
    json_path: Annotated[
        Path | None, typer.Option("--json", help="Write the result as JSON; '-' prints it instead of the table.")
    ] = None,
    header: Header = True,
) -> None:
    """Compare normalizers on a table: which one helps which estimator?

    All normalizers see the same repeated cross-validation; verdicts have error bars and hold together.
    Numeric columns are normalized, categories one-hot encoded, text and dates left out by name.
    """
    from renorm.cli import tables

    tables.compare(
        data,
        target=target,
        no_target=no_target,
        methods=methods,
        estimators=estimators,
        scoring=scoring,
        group=group,
        problem=problem,
        folds=folds,
        repeats=repeats,
        rope=rope,
        seed=seed,
        jobs=jobs,
        html=html,
        json_path=json_path,
        header=header,
    )


@app.command()
def report(
    result: Annotated[Path, typer.Argument(help="JSON file that 'compare --json' wrote.")],
    html: Annotated[Path | None, typer.Option(help="Write one offline page instead of printing.")] = None,
) -> None:
    """Show a saved comparison again, in the terminal or as a page."""
    from renorm.cli import tables

    tables.report(result, html)


@app.command()
def methods(
    kind: Annotated[str | None, typer.Option("--kind", "-k", help="table, nn, text, ...")] = None,
    readings: Annotated[bool, typer.Option("--readings", help="Also those made from an abstract alone.")] = False,
    as_json: Json = False,
) -> None:
    """List the methods."""
    from renorm.cli import shelf

    shelf.methods(kind, readings, as_json)


@app.command()
def show(name: Annotated[str, typer.Argument(help="A method, e.g. table.standard.")], as_json: Json = False) -> None:
    """Show the card of one method: what it is, what it claims, when to use it."""
    from renorm.cli import shelf

    shelf.show(name, as_json)


@app.command()
def verify(
    name: Annotated[str, typer.Argument(help="A method, e.g. table.standard.")],
    run: Annotated[bool, typer.Option("--run", help="Make the receipt anew; needs a checkout of the project.")] = False,
    as_json: Json = False,
) -> None:
    """Print the receipt of one method: what was checked, against what, with which result."""
    from renorm.cli import shelf

    shelf.verify(name, run, as_json)


@app.command()
def fit(
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write, *.renorm.")],
    method: Annotated[str, typer.Option("--method", "-m", help="A table normalizer.")] = "standard",
    columns: Annotated[str | None, typer.Option(help="Columns, by commas; all numeric ones by default.")] = None,
    as_json: Json = False,
) -> None:
    """Fit a normalizer on a file, batch by batch, and save it."""
    from renorm.cli import tables

    tables.fit(data, method, out, columns, as_json)


@app.command()
def apply(
    normalizer: Annotated[Path, typer.Argument(help="A file that 'fit' wrote.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV or Parquet file to write.")],
    as_json: Json = False,
) -> None:
    """Normalize the fitted columns of a file, batch by batch; other columns stay as they are."""
    from renorm.cli import tables

    tables.apply(normalizer, data, out, inverse=False, as_json=as_json)


@app.command()
def invert(
    normalizer: Annotated[Path, typer.Argument(help="A file that 'fit' wrote.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV or Parquet file to write.")],
    as_json: Json = False,
) -> None:
    """Undo 'apply'."""
    from renorm.cli import tables

    tables.apply(normalizer, data, out, inverse=True, as_json=as_json)


@app.command()
def text(
    method: Annotated[str, typer.Argument(help="A text normalizer, e.g. unicode_clean.")],
    file: Annotated[Path | None, typer.Argument(help="UTF-8 file; standard input by default.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print every edit, with its span and reason.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", "--json", help="One JSON object a line, with the edits.")] = False,
) -> None:
    """Normalize text line by line, from a file or standard input to standard output; lines stay lines."""
    from renorm.cli import strings

    strings.text(method, file, explain, jsonl)


if __name__ == "__main__":
    app()
