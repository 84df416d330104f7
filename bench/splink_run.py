"""Splink 5 on cleaned records, as one whole process: read, train (or load a model), predict, cluster, write.

Configurations, each with the comparisons that Splink's documentation recommends for such columns:

* ``advised``: names apart with term frequencies, training as the documentation's examples do (1e7 pairs for u, every
  blocked pair for EM);
* ``tuned``: the same model, with Splink's own caps on training (2e6 pairs for u, 3e5 for each round of EM), and no
  columns kept beside the predictions;
* ``stored``: the tuned model as it was stored, no training;
* ``widest``: tuned, with four more fields that samechild also looks at.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

CONFIGURATIONS = ("advised", "tuned", "stored", "widest")
FLOOR = 0.001
"""Pairs below this probability are not written: samechild's own floor, so that both write alike."""
JOIN = 0.95
"""Splink clusters here: the threshold of its documentation's examples."""
MORE_FIELDS = ("middle_names", "uln", "la_child_id", "uprn")
MODEL = "model.json"


def settings(configuration: str) -> Any:
    """The model before training: comparisons and blocking rules."""
    import splink.comparison_library as cl
    from splink import SettingsCreator, block_on

    comparisons: list[Any] = [
        cl.NameComparison("forename"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("dob", input_is_string=False),
        cl.PostcodeComparison("postcode").configure(term_frequency_adjustments=True),
        cl.ExactMatch("sex"),
        cl.ExactMatch("nhs_number"),
        cl.ExactMatch("upn"),
    ]
    rules: list[Any] = [
        block_on("nhs_number"),
        block_on("upn"),
        block_on("dob", "surname"),
        block_on("dob", "forename"),
        block_on("dob", "postcode"),
        block_on("forename", "surname", "postcode"),
        block_on("forename", "surname", "year(dob)"),
        block_on("surname", "postcode", "year(dob)"),
    ]
    if configuration == "widest":
        comparisons += [cl.NameComparison("middle_names"), *(cl.ExactMatch(name) for name in MORE_FIELDS[1:])]
        rules += [block_on("uln"), block_on("la_child_id", "dob")]
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=rules,
        retain_matching_columns=configuration == "advised",
    )


def train(linker: Any, configuration: str) -> None:
    """Train as Splink's examples do: prior from sure rules, u from random pairs, m by EM in two rounds.

    Of the rounds tried (60,000 records; names and birth date, birth date and postcode, birth date alone) these two
    gave Splink its best F1 in the shortest time. Random pairs are drawn without a seed, which Splink does faster.
    """
    from splink import block_on

    capped = configuration != "advised"
    sure = [block_on("nhs_number"), block_on("upn"), block_on("forename", "surname", "dob")]
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.9)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6 if capped else 1e7)
    for rule in (block_on("forename", "surname"), block_on("nhs_number")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule, max_pairs=3e5 if capped else None)


def run(records: Path, out: Path, configuration: str, model: Path | None) -> dict[str, float]:
    """Link, write predictions, clusters and the model, and return the seconds of each step."""
    seconds: dict[str, float] = {}
    last = time.perf_counter()

    def done(step: str) -> None:
        nonlocal last
        now = time.perf_counter()
        seconds[step], last = round(now - last, 3), now

    import duckdb
    from splink import DuckDBAPI, Linker

    done("import")
    connection = duckdb.connect()
    connection.execute("create table records as select * from read_parquet(?)", [str(records)])
    api = DuckDBAPI(connection)
    chosen: Any = json.loads(model.read_bytes()) if model else settings(configuration)
    linker = Linker(api.register("records"), chosen, log_level="WARNING")
    done("read")
    if model is None:
        train(linker, configuration)
        done("train")
    predictions: Any = linker.inference.predict(threshold_match_probability=FLOOR)
    done("predict")
    clusters: Any = linker.clustering.cluster_pairwise_predictions_at_threshold(
        predictions, threshold_match_probability=JOIN
    )
    done("cluster")
    predictions.to_parquet(str(out / "predictions.parquet"), overwrite=True)
    clusters.to_parquet(str(out / "clusters.parquet"), overwrite=True)
    linker.misc.save_model_to_json(str(out / MODEL), overwrite=True)
    done("write")
    return seconds


@click.command()
@click.argument("records", type=click.Path(path_type=Path, exists=True))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--configuration", type=click.Choice(CONFIGURATIONS), default="tuned", show_default=True)
@click.option("--model", type=click.Path(path_type=Path, exists=True), help="A stored model; needed for stored.")
def main(records: Path, out: Path, configuration: str, model: Path | None) -> None:
    """Link RECORDS (cleaned Parquet) with Splink and write the results into the folder OUT."""
    if (configuration == "stored") != (model is not None):
        raise click.UsageError("--model goes with --configuration stored, and only with it.")
    out.mkdir(parents=True, exist_ok=True)
    seconds = run(records, out, configuration, model)
    (out / "seconds.json").write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    main()
