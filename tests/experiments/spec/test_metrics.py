import pytest

from experiments.core.errors import SpecError
from experiments.data.catalog import CATALOG, Task
from experiments.diagnosis.naming import higher_is_better
from experiments.spec.losses import LOSSES, losses_for
from experiments.spec.metrics import METRICS, metrics_for
from experiments.spec.spec_files import parse_spec


def of_task(task, **training):
    name = next(info.name for info in CATALOG.values() if info.task is task)
    return parse_spec({"dataset": {"name": name}, "training": training})


@pytest.mark.parametrize("task", Task)
def test_a_task_has_the_first_loss_and_the_first_metric_by_default(task):
    spec = of_task(task)
    assert (spec.loss, spec.metrics) == (losses_for(task)[0], metrics_for(task)[:1])


@pytest.mark.parametrize("task", Task)
def test_a_spec_takes_what_fits_its_task_by_short_or_long_name_and_refuses_the_rest(task):
    for loss in LOSSES.values():
        for name in filter(None, (loss.name, loss.short)):
            if task in loss.tasks:
                assert of_task(task, loss=name).loss == loss.name
            else:
                with pytest.raises(SpecError, match=", ".join(losses_for(task))):
                    of_task(task, loss=name)
    for metric in METRICS.values():
        for name in filter(None, (metric.name, metric.short)):
            if task in metric.tasks:
                assert of_task(task, metrics=[name]).metrics == (metric.name,)
            else:
                with pytest.raises(SpecError, match=", ".join(metrics_for(task))):
                    of_task(task, metrics=[name])


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_a_run_its_spec_and_its_diagnosis_agree_on_what_is_better(metric):
    spec = of_task(metric.tasks[0], metrics=[metric.name])
    assert spec.higher_is_better(f"val_{metric.name}") is metric.higher_is_better
    assert higher_is_better(metric.name) is metric.higher_is_better
