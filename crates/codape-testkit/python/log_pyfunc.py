"""Logs and registers a model as the training code of Insee does.

    python log_pyfunc.py MODEL NAME [--stage STAGE] [--alias ALIAS] [--artifact-path PATH]

MODEL is a file of fastText's; it is not read. MLFLOW_TRACKING_URI names the
server. Prints one JSON object: `run_id`, `version`, and `source`, where the
registry says that the version is. For MLflow 2.10 up to 3.
"""

import argparse
import contextlib
import json
import sys
import warnings

import mlflow
import mlflow.pyfunc

FEATURES = ["liasse_type", "activ_nat_et", "activ_surf_et", "evenement_type"]


class FastTextWrapper(mlflow.pyfunc.PythonModel):
    """The model behind MLflow's interface, small: it keeps the name of its file."""

    def load_context(self, context):
        self.path = context.artifacts["fasttext_model_path"]

    def predict(self, context, model_input, params=None):
        return [self.path for _ in model_input]


def log(arguments):
    mlflow.set_experiment("ape")
    with mlflow.start_run() as run:
        mlflow.log_params({"text_feature": "libelle", "features": str(FEATURES), "dim": 180})
        mlflow.log_metrics({"accuracy_test_niv5": 0.8125, "accuracy_test_niv1": 0.9375})
        mlflow.pyfunc.log_model(
            artifact_path=arguments.artifact_path,
            python_model=FastTextWrapper(),
            artifacts={"fasttext_model_path": arguments.model},
            registered_model_name=arguments.name,
            # Else MLflow loads the model in a process of its own to see what it imports.
            pip_requirements=["mlflow"],
        )
    client = mlflow.MlflowClient()
    found = client.search_model_versions(f"name = '{arguments.name}'")
    (version,) = [version for version in found if version.run_id == run.info.run_id]
    if arguments.stage:
        client.transition_model_version_stage(arguments.name, version.version, arguments.stage)
    if arguments.alias:
        client.set_registered_model_alias(arguments.name, arguments.alias, version.version)
    return {
        "run_id": run.info.run_id,
        "version": str(version.version),
        "source": client.get_model_version_download_uri(arguments.name, version.version),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("name")
    parser.add_argument("--stage")
    parser.add_argument("--alias")
    parser.add_argument("--artifact-path", default="model")
    # Stages, and the parameter `artifact_path`, are deprecated.
    warnings.simplefilter("ignore")
    # MLflow prints where to look at the run.
    with contextlib.redirect_stdout(sys.stderr):
        logged = log(parser.parse_args())
    print(json.dumps(logged))


if __name__ == "__main__":
    main()
