"""Nothing identifiable that an installation keeps leaves it without a permit, and only the ledger gives one.

The code is read, not run: every function that opens sealed bytes or children's keys, or touches a table of a vault, and
every function that calls such a one, either requires a ``Permit`` or stands on a short list with its reason. Then the
locks themselves are tried: a permit cannot be made, changed, copied or sent elsewhere; and on PostgreSQL no role
reads both vaults or changes the ledger.
"""

from __future__ import annotations

import ast
import copy
import pickle
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from asking import an_ask, some_facts
from project import PACKAGE, modules
from samechild.errors import Refused
from samechild.policy.decide import decide
from samechild.records.disclosure import Permit, Scope, Spread, permit_for
from samechild.storage import Database, Login, Store, postgres
from samechild.storage.vaults import CONTENT_TABLES, IDENTITY_TABLES
from stores import a_store

NAMES = frozenset({*IDENTITY_TABLES.tables, *CONTENT_TABLES.tables})
IN_SQL = frozenset(f"sql:{name}" for name in NAMES)
VAULT_TABLES = NAMES | IN_SQL | {"_ROWS", "_SEALED"}
"""How code names the tables of the two vaults: as objects, within SQL, or through a table of tables."""
OPENS = frozenset(
    {"unseal", "open_child_key", "key_of_child", "keys_of_children", "key_for_child", "children_keys", "open_texts"}
)
"""What opens sealed bytes, or the key they are sealed under, wherever it is called."""
OWNER = frozenset({"owner_engines", "owner_engine", "one_moment"})
"""What opens a database as its owner, who sees every row."""

Place = tuple[str, str]
"""A function: its file within samechild, and its name with those it stands in."""

STAFF = "about a member of staff or a sign-in, in the gate's own database; never about a child"
OPERATOR = "run by whoever runs the databases: copies or checks rows as they lie, sealed, and opens none"
WRITES = "adds or moves rows and gives back ids or counts"
MATCHES = "for the memory of the engine that matches records: nothing of it leaves without a decision"
MERGES = "for the memory of what merges and checks what was received; another test names its callers"
WITHOUT_PERMIT: dict[Place, str] = {
    ("index/actions.py", "note_of"): "what a person wrote beside an event, for whom the gate let read the history",
    ("index/custody.py", "_opened"): "its callers let in the custodian alone, with a second person",
    ("index/live.py", "Live._holding"): MATCHES,
    ("index/models.py", "opened_model"): "a model is about no child",
    ("index/review_actions.py", "opened_note"): "a reviewer's own words; its callers ask the gate about both records",
    (
        "collection/reading/teams.py",
        "teams_of",
    ): "which team a worker is in: about staff; its callers ask the gate first",
    ("policy/identities.py", "who_they_are"): MATCHES,
    ("policy/received.py", "both_keys"): MERGES,
    ("policy/received.py", "opened"): MERGES,
    ("policy/registers/actions.py", "one_case"): "a case's own words, typed for its officers, who alone may open it",
    ("policy/sealed_texts.py", "open_texts"): "opens for its callers, each of which is judged here",
    ("policy/sealed_texts.py", "seal_texts"): WRITES,
    ("policy/sign_in/accounts.py", "_second_factor"): STAFF,
    ("policy/sign_in/accounts.py", "begin_account"): STAFF,
    ("policy/sign_in/accounts.py", "finish_account"): STAFF,
    ("policy/sign_in/oidc.py", "_taken_up"): STAFF,
    ("policy/sign_in/sessions.py", "name_of"): STAFF,
    ("policy/vault_actions.py", "keep_record"): WRITES,
    ("storage/cipher.py", "database_key"): "the key of an encrypted database file, not of a record",
    ("storage/backup.py", "back_up"): OPERATOR,
    ("storage/backup.py", "one_moment"): OPERATOR,
    ("storage/opening.py", "migrate_all"): OPERATOR,
    ("storage/opening.py", "owner_engines"): OPERATOR,
    ("storage/opening.py", "steps"): OPERATOR,
    ("storage/replacing.py", "is_empty"): OPERATOR,
    ("storage/replacing.py", "replace_all"): OPERATOR,
    ("storage/verify.py", "verify"): OPERATOR,
    ("storage/vaults.py", ""): "declares the tables",
    ("storage/vaults.py", "_bound"): "says where a row lies, for sealing",
    ("storage/vaults.py", "_keep"): WRITES,
    ("storage/vaults.py", "drop_identity"): WRITES,
    ("storage/vaults.py", "identities_held"): MATCHES,
    ("storage/vaults.py", "keep_identities"): WRITES,
    ("storage/vaults.py", "keep_lookup"): WRITES,
    ("storage/vaults.py", "move_lookups"): WRITES,
    ("storage/vaults.py", "open_identity"): MATCHES,
    ("storage/verify.py", ""): "names the tables for the check",
    ("storage/verify.py", "_of_keys"): "counts rows whose keys are gone: opaque keys in, numbers out",
}
"""Functions that come to something kept and require no permit, each with its reason."""


MERGING: frozenset[Place] = frozenset(
    {
        ("collection/attendance/working.py", "look_again"),
        ("collection/attendance/working.py", "work_off"),
        ("collection/daily.py", "_every_child"),
        ("collection/identifying.py", "identify_rest"),
        ("collection/processing.py", "_children"),
        ("collection/processing.py", "_merge_one"),
        ("collection/processing.py", "_work_off"),
        ("collection/purging.py", "_cut_out"),
        ("collection/receiving.py", "_kept"),
        ("collection/states.py", "open_children"),  # for permits: each opens the sections of its record type
        ("collection/states.py", "put_right"),
        ("collection/states.py", "received"),
    }
)
"""Who opens what was received, or what it adds up to, without a permit: each works inside and shows nobody anything."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A function: what it calls, names and touches, and whether it requires a permit."""

    place: Place
    calls: frozenset[str]
    mentions: frozenset[str]
    touches: frozenset[str]
    guarded: bool


def functions_in(source: str, file: str) -> Iterator[Found]:
    """Every function of a module, methods and those within others too, and the module's own lines."""
    tree = ast.parse(source)
    names = VAULT_TABLES if file == "storage/vaults.py" else _brought_in(tree)
    known_as = {
        each.asname: each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom | ast.Import)
        for each in node.names
        if each.asname
    }
    for found in _within(tree, (), file, False):
        mentions = frozenset(known_as.get(name, name) for name in found.mentions)
        touches = (mentions | found.touches) & names
        yield msgspec.structs.replace(found, mentions=mentions, touches=touches)


def _brought_in(tree: ast.Module) -> frozenset[str]:
    """By which names a module can come to the vaults' tables: none when it does not import the vaults' module."""
    comes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)]
    paths = {f"{getattr(node, 'module', '')}.{each.name}" for node in comes for each in node.names}
    return VAULT_TABLES if any("storage.vaults" in path for path in paths) else IN_SQL


def _within(node: ast.AST, names: tuple[str, ...], file: str, guarded: bool) -> Iterator[Found]:
    inner: list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef] = []
    calls: set[str] = set()
    mentions: set[str] = set()
    touches: set[str] = set()
    waiting = list(ast.iter_child_nodes(node))
    while waiting:
        each = waiting.pop()
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            inner.append(each)
            continue
        waiting += ast.iter_child_nodes(each)
        if isinstance(each, ast.Call):
            calls.add(_last(each.func))
        if isinstance(each, ast.Name | ast.Attribute):
            mentions.add(_last(each))
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and _is_sql(each.value):
            touches.update(f"sql:{name}" for name in NAMES if name in each.value)
    yield Found(
        place=(file, ".".join(names)),
        calls=frozenset(calls),
        mentions=frozenset(mentions),
        touches=frozenset(touches),
        guarded=guarded,
    )
    for each in inner:
        mine = guarded or (not isinstance(each, ast.ClassDef) and requires_permit(each.args))
        yield from _within(each, (*names, each.name), file, mine)


def _last(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_sql(text: str) -> bool:
    return any(verb in text.upper() for verb in ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "COPY "))


def requires_permit(arguments: ast.arguments) -> bool:
    """Whether a function has an argument of type Permit that cannot be left out."""
    by_place = [*arguments.posonlyargs, *arguments.args]
    needed = by_place[: len(by_place) - len(arguments.defaults)]
    needed += [
        each for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if default is None
    ]
    return any(isinstance(each.annotation, ast.Name) and each.annotation.id == "Permit" for each in needed)


def comes_to_something_kept(found: Found) -> bool:
    """Whether a function opens something sealed, opens a database as its owner, or touches a table of a vault."""
    return bool(found.mentions & (OPENS | OWNER) or found.touches & VAULT_TABLES)


def unguarded(every: Iterable[Found], allowed: Iterable[Place] = ()) -> list[Place]:
    """Functions that come to something kept, require no permit and are not on the list."""
    let = set(allowed)
    return sorted(
        each.place for each in every if comes_to_something_kept(each) and not each.guarded and each.place not in let
    )


def everything() -> list[Found]:
    """Every function of samechild outside the room of keys and the migrations, which move tables and read no row."""
    return [
        found
        for path in modules()
        if path.relative_to(PACKAGE).parts[0] not in ("keys", "migrations")
        for found in functions_in(path.read_text(encoding="utf-8"), str(path.relative_to(PACKAGE)))
    ]


def test_every_function_that_comes_to_something_kept_requires_a_permit() -> None:
    assert unguarded(everything(), WITHOUT_PERMIT) == []


def test_the_list_of_those_without_one_holds_nothing_that_is_gone() -> None:
    assert sorted(WITHOUT_PERMIT) == unguarded(everything())


def test_identities_are_opened_for_matching_only() -> None:
    """What opens a whole space without a permit serves the memory of the index, and trying a new model on it."""
    callers = {each.place[0] for each in everything() if "who_they_are" in each.calls}
    assert callers == {"index/dry_run.py", "index/live.py"}


def test_what_was_received_is_opened_for_merging_only() -> None:
    """What opens children's records as received, or as merged, without a permit serves the worker alone."""
    opening = {"both_keys", "states_of", "slice_opened"}
    found = [each for each in everything() if each.place[0].startswith("collection/")]
    assert {each.place for each in found if each.calls & opening and not each.guarded} == MERGING


def test_the_readers_of_the_vaults_are_among_those_that_require_one() -> None:
    """The reading of the code finds what it should find: these are all there are."""
    guarded = {each.place for each in everything() if each.guarded and comes_to_something_kept(each)}
    assert guarded == {
        ("index/everything.py", "_numbers"),
        ("index/families.py", "opened_people"),
        ("policy/consent/actions.py", "decisions_about"),
        ("policy/holdings.py", "held_under"),
        ("storage/vaults.py", "_read"),
        ("storage/vaults.py", "find"),
        ("storage/vaults.py", "keys_of"),
    }


MADE_UP = {
    "opens a sealed row": "def told(store, key, row):\n    return unseal(key, row.sealed, b'')",
    "by another name of the module": "def told(store, key, row):\n    return seal.unseal(key, row.sealed, b'')",
    "opens a child's key": "def told(store, key):\n    return key_of_child(store, key)",
    "under an alias": "from samechild.keys.seal import unseal as u\ndef told(key, row):\n    return u(key, row, b'')",
    "handed on": "def told(keys, rows):\n    return map(unseal, keys, rows)",
    "reads the table": "from samechild.storage.vaults import lookups\ndef told(c):\n    c.execute(lookups)",
    "reads it as an attribute": "from samechild.storage import vaults\ndef told(c):\n    c.execute(vaults.lookups)",
    "reads it in SQL": "def told(c):\n    return c.exec_driver_sql('select * from content_rows')",
    "in a method": "class Told:\n    def told(self, key, row):\n        return unseal(key, row, b'')",
    "in a function within": "def told(key):\n    def inner(row):\n        return unseal(key, row)\n    return inner",
    "the permit may be left out": "def told(key, permit: Permit = None):\n    return unseal(key, b'', b'')",
    "the permit may be none": "def told(key, permit: Permit | None):\n    return unseal(key, b'', b'')",
    "as the owner": "def told(settings):\n    with owner_engines(settings, b'') as engines:\n        return engines",
}


@pytest.mark.parametrize("source", MADE_UP.values(), ids=list(MADE_UP))
def test_a_function_that_discloses_without_a_permit_is_noticed(source: str) -> None:
    assert unguarded(functions_in(source, "hub/made_up.py"), WITHOUT_PERMIT)


def test_one_that_requires_a_permit_is_not() -> None:
    source = (
        "def told(key, permit: Permit):\n    def inner(row):\n        return unseal(key, row, b'')\n    return inner"
    )
    assert unguarded(functions_in(source, "hub/made_up.py")) == []
    kept_apart = "def told(key, *, permit: Permit, row=None):\n    return unseal(key, row, b'')"
    assert unguarded(functions_in(kept_apart, "hub/made_up.py")) == []


def callers(name: str) -> set[str]:
    """The files of samechild that call something of this name, or mention it other than in an import."""
    return {each.place[0] for each in everything() if name in each.calls}


def test_only_the_ledger_gives_permits() -> None:
    assert callers("permit_for") == {"policy/ledger/record.py"}
    assert callers("Permit") == {"records/disclosure.py"}
    assert {each for each in callers("__setattr__") if each != "records/disclosure.py"} == set()
    assert callers("force_setattr") == set()
    telling = [
        path for path in modules() if re.search(r"\bdisclosure\._TOKEN|import .*\b_TOKEN", path.read_text("utf-8"))
    ]
    assert telling == []


def a_permit() -> Permit:
    """A permit to read one record."""
    return permit_for(decide(an_ask(), some_facts()), 1)


def other_keys(permit: Permit) -> Any:
    """The decision of a permit, about other records."""
    ask = msgspec.structs.replace(permit.decision.ask, scope=Scope(Spread.CHILD, ("another",)))
    return msgspec.structs.replace(permit.decision, ask=ask)


FORGERIES: dict[str, Callable[[Permit], object]] = {
    "made without the ledger": lambda permit: Permit(permit.decision, 1),
    "made with a guessed token": lambda permit: Permit(permit.decision, 1, object()),
    "given another decision": lambda permit: setattr(permit, "decision", other_keys(permit)),
    "given another entry": lambda permit: setattr(permit, "entry", 2),
    "given another reader": lambda permit: setattr(permit, "who", None),
    "emptied": lambda permit: delattr(permit, "decision"),
    "copied": copy.copy,
    "copied through and through": copy.deepcopy,
    "pickled": pickle.dumps,
    "made by a kind of its own": lambda permit: type("Easy", (Permit,), {"__init__": lambda self: None}),
    "after a refusal": lambda permit: permit_for(decide(an_ask(purpose="research"), some_facts()), 1),
    "in shadow weeks": lambda permit: permit_for(decide(an_ask(), some_facts(shadow=True)), 1),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=list(FORGERIES))
def test_a_permit_cannot_be_forged_changed_or_carried_away(forge: Callable[[Permit], object]) -> None:
    permit = a_permit()
    with pytest.raises(Refused):
        forge(permit)
    assert (permit.record_keys, permit.entry) == (("r1",), 1)


def test_what_a_permit_says_is_as_fixed_as_the_permit() -> None:
    permit = a_permit()
    for inner in (permit.decision, permit.decision.ask, permit.decision.ask.scope, permit.who):
        for name in inner.__struct_fields__:
            with pytest.raises(AttributeError):
                setattr(inner, name, None)


# On a server, whatever the code does

LEDGER = ("ledger_entries", "ledger_references", "ledger_subtrees", "ledger_checkpoints")


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with a_store("postgres") as opened:
        yield opened


def works(store: Store, login: Login, database: Database, statement: str) -> bool:
    """Whether a role that connects to a database can do something there; nothing of it stays."""
    home = next(each for each in Login if each.database is database)
    address = store.engines[home].url.render_as_string(hide_password=False)
    engine = postgres.engine(address, login)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
            connection.rollback()
    except sa.exc.DBAPIError:
        return False
    finally:
        engine.dispose()
    return True


def test_no_role_reads_both_vaults(store: Store) -> None:
    tables = {Database.IDENTITY: "identity_rows", Database.CONTENT: "content_rows"}
    read = {
        (login, table)
        for login in Login
        for database in Database
        for table in tables.values()
        if works(store, login, database, f"SELECT sealed FROM {table}")
    }
    assert read == {
        (Login.IDENTITY, "identity_rows"),
        (Login.INDEXER, "identity_rows"),
        (Login.INDEX, "identity_rows"),
        (Login.CONTENT, "content_rows"),
        (Login.EXTRACTOR, "content_rows"),
    }


def test_no_role_changes_the_ledger(store: Store) -> None:
    changes: tuple[str, ...] = ("UPDATE {0} SET number = number", "DELETE FROM {0}", "TRUNCATE {0}", "DROP TABLE {0}")
    changes += ("ALTER TABLE {0} DISABLE TRIGGER ALL", "CREATE TABLE another (LIKE {0})")
    done = [
        (login, table, change)
        for login in Login
        for table in LEDGER
        for change in changes
        if works(store, login, Database.GATE, change.format(table))
    ]
    assert done == []
    assert [table for table in LEDGER if not works(store, Login.LEDGER, Database.GATE, f"SELECT * FROM {table}")] == []
