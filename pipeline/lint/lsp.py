"""A small language server over standard input and output: findings as diagnostics, and one action.

The action inserts an empty evidence line below the finding. It never touches the writer's words.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import MissingExtraError, VerbatimError
from pipeline.lint.config import LintConfig, forget, nearest
from pipeline.lint.finding import Finding, Note, column_units
from pipeline.lint.rules import load_rules
from pipeline.lint.run import lint_note
from pipeline.lint.text import editor_lines
from pipeline.plain import plain

if TYPE_CHECKING:
    from lsprotocol import types

TEMPLATE = "Evidence: they ___ when ___; result ___."
_MOST_CHARS = 1_000_000


def serve() -> None:
    """Serve until the editor hangs up. Raises MissingExtraError without pygls."""
    server().start_io()


def server() -> Any:
    """The server with its handlers."""
    try:
        from lsprotocol import types
        from pygls.lsp.server import LanguageServer
    except ImportError:
        raise MissingExtraError("lsp", "verbatim lint --lsp") from None

    made = LanguageServer("verbatim-lint", "1")
    told: dict[str, str] = {}  # what was said about a document's configuration, so that it is said once

    def publish(ls: LanguageServer, uri: str) -> None:
        document = ls.workspace.get_text_document(uri)
        config, fault = configured(document.path or uri)
        if fault and fault != told.get(uri):
            ls.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"verbatim lint: {fault}"))
        told[uri] = fault
        found = diagnostics(document.source, document.path or uri, config)
        ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri=uri, diagnostics=found))

    @made.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(ls: LanguageServer, params: types.DidOpenTextDocumentParams) -> None:
        publish(ls, params.text_document.uri)

    @made.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(ls: LanguageServer, params: types.DidChangeTextDocumentParams) -> None:
        publish(ls, params.text_document.uri)

    @made.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(ls: LanguageServer, params: types.DidCloseTextDocumentParams) -> None:
        gone = types.PublishDiagnosticsParams(uri=params.text_document.uri, diagnostics=[])
        ls.text_document_publish_diagnostics(gone)

    @made.feature(types.TEXT_DOCUMENT_CODE_ACTION)
    def actions(ls: LanguageServer, params: types.CodeActionParams) -> list[types.CodeAction]:
        document = ls.workspace.get_text_document(params.text_document.uri)
        return [
            evidence_action(params.text_document.uri, document.source, diagnostic)
            for diagnostic in params.context.diagnostics
            if diagnostic.source == "verbatim lint"
        ]

    return made


def configured(path: str) -> tuple[LintConfig, str]:
    """The configuration as it is on disk now; the defaults, and what is wrong with it, when it cannot be used."""
    forget()
    try:
        config = nearest(Path(path))
        config.check_codes(list(load_rules().rules))
    except VerbatimError as error:
        return LintConfig(), plain(error)
    return config, ""


def diagnostics(text: str, path: str, config: LintConfig) -> list[types.Diagnostic]:
    """Findings of one document as diagnostics; positions in UTF-16 units, from 0."""
    from lsprotocol import types

    severities = {
        "error": types.DiagnosticSeverity.Error,
        "warning": types.DiagnosticSeverity.Warning,
        "info": types.DiagnosticSeverity.Information,
    }
    note = Note(path, "", text[:_MOST_CHARS])
    return [
        types.Diagnostic(
            range=_range(note, finding),
            message=f'"{finding.text}" {finding.message} {finding.question}',
            severity=severities[finding.severity],
            code=finding.code,
            source="verbatim lint",
        )
        for finding in lint_note(note, load_rules(), config).findings
    ]


def _range(note: Note, finding: Finding) -> types.Range:
    from lsprotocol import types

    units = column_units(note, finding)
    start = types.Position(line=finding.line - 1, character=units["utf16_column"] - 1)
    tail = finding.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(tail) == 1:
        return types.Range(
            start=start, end=types.Position(line=start.line, character=start.character + units["utf16_length"])
        )
    width = len(tail[-1].encode("utf-16-le", "surrogatepass")) // 2
    return types.Range(start=start, end=types.Position(line=start.line + len(tail) - 1, character=width))


def evidence_action(uri: str, text: str, diagnostic: types.Diagnostic) -> types.CodeAction:
    """Insert the template on a line of its own below the finding, indented and marked like the line above it."""
    from lsprotocol import types

    lines = editor_lines(text)
    row = diagnostic.range.end.line
    above = lines[row] if row < len(lines) else ""
    indent = above[: len(above) - len(above.lstrip())]
    mark = above.lstrip()[:2] if above.lstrip()[:2] in {"- ", "* ", "+ "} else ""
    width = len(above.encode("utf-16-le", "surrogatepass")) // 2
    place = types.Position(line=row, character=width)
    edit = types.TextEdit(
        range=types.Range(start=place, end=place), new_text=f"\n{indent}{'  ' if mark else ''}{TEMPLATE}"
    )
    return types.CodeAction(
        title="Insert an evidence line below",
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[diagnostic],
        edit=types.WorkspaceEdit(changes={uri: [edit]}),
    )
