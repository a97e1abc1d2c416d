"""install, remove and what comes between, on a host that has nothing yet."""

import json

import pytest

from tests.integration.gpusim.simulated_host import Host

pytestmark = pytest.mark.docker

# Everything that install may touch; ldconfig's cache is compared by what it says.
SNAPSHOT = (
    "find /etc /opt /usr/local /usr/bin /run /dev -xdev -printf '%p %y %m %s %l\\n'"
    " | grep -v -e ld.so.cache -e ' d 755 ' | sort;"
    " ls -d /etc/cdi /opt/* /run/* 2>/dev/null; ldconfig -p"
)


def test_install_and_remove_leave_nothing_behind(fresh_host: Host) -> None:
    before = fresh_host.shell(SNAPSHOT, check=False)
    installed = fresh_host.gpusim("install").stdout
    assert "wrote /etc/cdi/gpusim.json" in installed
    assert fresh_host.run("nvidia-smi", "-L").stdout.count("Quadro RTX 8000 [simulated]") == 4
    assert " => /usr/local/lib/libnvidia-ml.so.1\n" in fresh_host.shell("ldconfig -p")
    assert fresh_host.shell("stat -c '%t:%T %a' /dev/nvidiactl /dev/nvidia3").split("\n")[:2] == [
        "c3:ff 666",
        "c3:3 666",
    ]
    assert fresh_host.shell(SNAPSHOT, check=False) != before
    watcher = fresh_host.shell("head -1 /run/gpusim/watcher.pid").strip()
    fresh_host.gpusim("remove")
    assert fresh_host.shell(SNAPSHOT, check=False) == before
    assert fresh_host.run("test", "-d", f"/proc/{watcher}/fd", check=False).returncode
    assert fresh_host.gpusim("remove").stdout == "nothing is installed\n"


def test_second_install_has_nothing_to_do_and_is_quick(fresh_host: Host) -> None:
    fresh_host.gpusim("install")
    assert fresh_host.gpusim("install").stdout == "nothing to do\n"
    measure = (
        "import subprocess, time\n"
        "def once():\n"
        "    begin = time.monotonic()\n"
        "    subprocess.run(['python3', '-m', 'gpusim', 'install'], check=True, stdout=-3)\n"
        "    return time.monotonic() - begin\n"
        "print(min(once() for _ in range(5)))"
    )
    assert float(fresh_host.run("python3", "-c", measure).stdout) < 3


def test_other_gpus_take_the_place_of_the_first(fresh_host: Host) -> None:
    fresh_host.gpusim("install")
    fresh_host.gpusim("fault", "gpu-lost", "--gpu", "3")
    fresh_host.gpusim("install", "--gpus", "2", "--name", "NVIDIA H100 80GB HBM3")
    listed = fresh_host.run("nvidia-smi", "-L").stdout
    assert listed.count("NVIDIA H100 80GB HBM3 [simulated]") == 2
    assert fresh_host.shell("ls /dev/nvidia*").split() == [
        "/dev/nvidia0",
        "/dev/nvidia1",
        "/dev/nvidiactl",
    ]
    # Without options, what is there stays.
    assert fresh_host.gpusim("install").stdout == "nothing to do\n"
    assert json.loads(fresh_host.gpusim("status", "--json").stdout)["faults"] == []


def test_install_after_a_reboot(fresh_host: Host) -> None:
    fresh_host.gpusim("install", "--gpus", "2")
    fresh_host.shell("kill $(head -1 /run/gpusim/watcher.pid); rm -rf /run/gpusim /dev/nvidia*")
    status = fresh_host.gpusim("status", check=False)
    assert status.returncode == 1
    assert fresh_host.run("nvidia-smi", check=False).returncode == 9
    fresh_host.gpusim("install")
    assert fresh_host.run("nvidia-smi", "-L").stdout.count("GPU-") == 2
    assert fresh_host.gpusim("status").returncode == 0


def test_faults_survive_an_install(fresh_host: Host) -> None:
    fresh_host.gpusim("install")
    fresh_host.gpusim("fault", "ecc", "--gpu", "0")
    # As another version of gpusim may have written it.
    fresh_host.shell("sed -i /gpu1.power=/d /run/gpusim/state")
    assert "wrote /run/gpusim/state" in fresh_host.gpusim("install").stdout
    assert "fault: ecc on GPU 0" in fresh_host.gpusim("status").stdout
    power = fresh_host.run("nvidia-smi", "--query-gpu=power.draw", "--format=csv,noheader").stdout
    assert power == "22.00 W\n" * 4


@pytest.mark.parametrize(
    "place",
    [
        "/usr/bin/nvidia-smi",
        "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1",
        "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
    ],
)
def test_real_driver_is_left_alone(fresh_host: Host, place: str) -> None:
    fresh_host.shell(f"echo real > {place}")
    before = fresh_host.shell(SNAPSHOT, check=False)
    refused = fresh_host.gpusim("install", check=False)
    assert refused.returncode == 1
    assert refused.stdout.startswith(
        "gpusim: a real NVIDIA driver or toolkit seems to be installed"
    )
    assert place in refused.stdout
    assert refused.stdout.count("\n") == 1
    assert fresh_host.shell(SNAPSHOT, check=False) == before


def test_only_root_may_install(fresh_host: Host) -> None:
    for verb in ("install", "remove"):
        refused = fresh_host.run(
            *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
            *("python3", "-m", "gpusim", verb),
            check=False,
        )
        assert refused.returncode == 1
        assert refused.stdout.startswith("gpusim: only root can do this")


def test_fault_without_permission(fresh_host: Host) -> None:
    fresh_host.gpusim("install")
    refused = fresh_host.run(
        *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
        *("python3", "-m", "gpusim", "fault", "driver-not-loaded"),
        check=False,
    )
    assert refused.returncode == 1
    assert "cannot change the state" in refused.stdout
    assert refused.stdout.count("\n") == 1
