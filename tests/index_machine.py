"""The council's case system as tests use it: a token, and an index of the council's own in a served application."""

from __future__ import annotations

import os
from typing import Any

from linking import taught, the_town_linked
from pages_served import Served
from samechild.index.actions import open_space
from samechild.index.models import keep_model
from samechild.index.records import Space
from samechild.policy.people.actions import grant_role, operator
from samechild.policy.people.store import all_organisations
from samechild.policy.sign_in.clients import register_client
from samechild.records.disclosure import Asker
from samechild.storage import Login

WREN = {"forename": "Wren", "surname": "Quillfeather", "date_of_birth": "2015-03-09", "sex": "F", "postcode": "LS1 6AB"}
SCOPES = ["decide", "ledger", "submit", "index", "link"]


class Machine:
    """A running application, and the council's case system with a token, on an index of the council's own."""

    def __init__(self, server: Served, *, index: bool = True) -> None:
        self.server = server
        with server.store.read(Login.GATE) as gate:
            self.organisation = next(each for each in all_organisations(gate) if each.host).organisation
        client = register_client(
            server.store, operator(), self.organisation, "Case system", SCOPES, server.now, os.urandom
        )
        grant_role(server.store, operator(), client.client_id, "submitting-system", server.now, os.urandom)
        self.asker = Asker(user=client.client_id, organisation=self.organisation, role="submitting-system")
        form = {
            "grant_type": "client_credentials",
            "client_id": client.client_id,
            "client_secret": client.secret,
        }
        self.form = form
        self.token = self.issue()
        if index:
            space = Space(space=self.organisation, title="The council's own", members=(self.organisation,))
            open_space(server.store, self.asker, space, server.now)
            keep_model(server.store, self.organisation, taught(), the_town_linked().frequencies, server.now)

    def issue(self, **more: str) -> str:
        answer = self.server.browser().client.post("/oauth2/token", data={**self.form, **more})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        authorised = {"authorization": f"Bearer {self.token}", **headers}
        return self.server.browser().client.request(method, path, json=body, headers=authorised)

    def send(self, record_id: str, source: str = "social care", **values: str) -> Any:
        record = {"record_id": record_id, "given": {**WREN, **values}}
        answer = self.ask("POST", "/api/v1/index/identify", {"source": source, "records": [record]})
        assert answer.status_code == 200, answer.text
        return answer.json()["results"][0]
