"""Runs that are stopped, killed, or meet another: nothing runs on, and the next night is right."""

from __future__ import annotations

import random
import signal
import subprocess
import time

import docker
import pytest

from support.nights import APP, simple
from support.own_engine import as_root
from support.processes import processes, unique_sleep, wait_until
from support.project import Project


@pytest.fixture
def sleep() -> str:
    return unique_sleep()


def slow(base: str, step: str) -> dict[str, str]:
    files = simple(base)
    files["app/Dockerfile"] += f"            RUN {step}\n"
    return files


def wake(command: str) -> None:
    """Wait for the step that sleeps, and end its sleep."""
    wait_until(lambda: bool(processes(command)))
    subprocess.run(as_root("kill", *processes(command)), check=True)


def tags_of(api: docker.APIClient, image: str) -> set[str]:
    """drift's own references to what it built of an image."""
    tags = {tag for found in api.images() for tag in found["RepoTags"] or ()}
    return {tag for tag in tags if tag.startswith(f"drift.local/{image}:")}


def test_ctrl_c_stops_the_build_and_leaves_nothing(
    project: Project, small_image: str, api: docker.APIClient, sleep: str
) -> None:
    name = f"interrupted-{project.builder}"
    project.configure(APP.replace('"app"\ncontext', f'"{name}"\ncontext'))
    project.commit(simple(small_image))
    first = project.check()
    before = tags_of(api, name)
    project.commit(slow(small_image, sleep))
    process = project.process("check", "--format", "json", "--as-of", "2026-11-02")
    wait_until(lambda: bool(processes(sleep)))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert out == ""
    assert "Traceback" not in err
    wait_until(lambda: not processes(sleep), 10)
    assert tags_of(api, name) == before
    project.commit(simple(small_image))
    image = project.check().image(name)
    assert image["status"] in ("identical", "equivalent")
    assert image["baseline"]["build"] == first.image(name)["candidate"]["build"]


def test_a_second_run_at_once_waits_and_says_for_whom(
    project: Project, small_image: str, sleep: str
) -> None:
    project.configure(APP)
    project.commit(slow(small_image, f"{sleep} || true"))
    one = project.process("check", "--format", "json", "--as-of", "2026-11-01")
    wait_until(lambda: bool(processes(sleep)))
    other = project.process("check", "--format", "json", "--as-of", "2026-11-02")
    assert other.stderr is not None
    assert any("wait" in line.lower() for line in other.stderr), "it ended, and did not wait"
    wake(sleep)
    _, first_err = one.communicate(timeout=120)
    wake(sleep)
    _, second_err = other.communicate(timeout=120)
    assert (one.returncode, other.returncode) == (0, 0), first_err + second_err
    night = project.drift("history", "--format", "json")[1]
    assert '"first"' in night
    assert "2026-11-02" in night


def test_kill_9_at_random_moments_leaves_the_next_run_right(
    project: Project, small_image: str, api: docker.APIClient
) -> None:
    name = f"killed-{project.builder}"
    project.configure(APP.replace('"app"\ncontext', f'"{name}"\ncontext'))
    project.commit(simple(small_image))
    first = project.check()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    for _ in range(3):
        process = project.process("check", "--format", "json", "--as-of", "2026-11-02")
        time.sleep(moments.uniform(0.5, 5.0))
        process.kill()
        process.communicate()
    night = project.check()
    assert night.code == 0, night.stderr
    image = night.image(name)
    assert image["status"] in ("identical", "equivalent")
    builds = [found.image(name)["candidate"]["build"] for found in (first, night)]
    assert image["baseline"]["build"] == builds[0]
    assert tags_of(api, name) == {f"drift.local/{name}:{build}" for build in builds}
