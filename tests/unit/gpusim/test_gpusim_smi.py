"""nvidia-smi: the layout of driver 580 and the queries that scripts make."""

import os
from pathlib import Path

import pytest

from gpusim.faults import Fault
from gpusim.hardware import MIB, gpu_uuid
from tests.unit.gpusim.simulated_box import Box

TABLE = """\
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 580.159.03             Driver Version: 580.159.03     CUDA Version: 13.0     |
+-----------------------------------------+------------------------+----------------------+
| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |
| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |
|                                         |                        |               MIG M. |
|=========================================+========================+======================|
|   0  Quadro RTX 8000 [simulated]    On  |   00000000:1A:00.0 Off |                    1 |
| 33%   34C    P8             22W /  260W |    1027MiB /  46080MiB |      0%      Default |
|                                         |                        |                  N/A |
+-----------------------------------------+------------------------+----------------------+

+-----------------------------------------------------------------------------------------+
| Processes:                                                                              |
|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |
|        ID   ID                                                               Usage      |
|=========================================================================================|
"""
NOBODY = (
    "|  No running processes found                                                             |"
)


def test_table(tmp_path: Path) -> None:
    box = Box(tmp_path, 1, Fault("ecc", gpu=0))
    # Three processes, of which this PID namespace knows two.
    mine = os.getpid()
    box.processes_file.write_text(
        f"{gpu_uuid(0)} {mine} {1000 * MIB} C /app/llama-server\n"
        f"{gpu_uuid(0)} 1 {3 * MIB} C /opt/a/rather/deep/folder/with/bin/python3\n"
        f"{gpu_uuid(0)} 4194305 {21 * MIB} C /app/elsewhere\n"
    )
    smi = box.smi()
    assert smi.returncode == 0
    _date, _, rest = smi.stdout.partition("\n")
    table, processes = rest[: len(TABLE)], rest[len(TABLE) :].splitlines()
    assert table == TABLE
    assert processes[:-1] == [
        f"|    0   N/A  N/A {mine:>15}      C   /app/llama-server                      1000MiB |",
        f"|    0   N/A  N/A {1:>15}      C   ...ther/deep/folder/with/bin/python3      3MiB |",
    ]
    assert {len(line) for line in rest.splitlines() if line} == {91}


def test_table_without_processes(tmp_path: Path) -> None:
    assert NOBODY in Box(tmp_path, 1).smi().stdout.splitlines()


def test_list(tmp_path: Path) -> None:
    smi = Box(tmp_path, 2).smi("-L")
    assert smi.stdout == "".join(
        f"GPU {index}: Quadro RTX 8000 [simulated] (UUID: {gpu_uuid(index)})\n" for index in (0, 1)
    )


def test_query(tmp_path: Path) -> None:
    box = Box(tmp_path, 2)
    fields = "index,gpu_name,memory.total,memory.used,power.draw,compute_cap,pci.bus_id"
    smi = box.smi(f"--query-gpu={fields}", "--format=csv", "-i", gpu_uuid(1))
    assert smi.stdout == (
        "index, name, memory.total [MiB], memory.used [MiB], power.draw [W], compute_cap,"
        " pci.bus_id\n"
        "1, Quadro RTX 8000 [simulated], 46080 MiB, 3 MiB, 22.00 W, 7.5, 00000000:1B:00.0\n"
    )


def test_query_for_scripts(tmp_path: Path) -> None:
    smi = Box(tmp_path, 2).smi("--query-gpu=index, memory.free", "--format=csv,noheader,nounits")
    assert smi.stdout == "0, 45677\n1, 45677\n"


def test_process_query(tmp_path: Path) -> None:
    box = Box(tmp_path, 2)
    mine = os.getpid()
    box.processes_file.write_text(f"{gpu_uuid(1)} {mine} {9 * MIB} C /app/engine\n")
    smi = box.smi("--query-compute-apps=pid,name,gpu_uuid,used_memory", "--format=csv,noheader")
    assert smi.stdout == f"{mine}, /app/engine, {gpu_uuid(1)}, 9 MiB\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--query-gpu=nonsense", "--format=csv"], 'Field "nonsense" is not a valid field'),
        (["--query-compute-apps=nonsense", "--format=csv"], 'Field "nonsense" is not a valid'),
        (["--query-gpu=index"], '"--format=" switch is missing.'),
        (["--nonsense"], "Invalid combination of input arguments."),
    ],
)
def test_bad_arguments(tmp_path: Path, arguments: list[str], words: str) -> None:
    smi = Box(tmp_path, 1).smi(*arguments)
    assert smi.returncode == 2
    assert smi.stdout.startswith(words)


def test_lost_gpu_does_not_hide_the_others(tmp_path: Path) -> None:
    smi = Box(tmp_path, 2, Fault("gpu-lost", gpu=0)).smi(
        "--query-gpu=index", "--format=csv,noheader"
    )
    assert smi.returncode == 15
    assert smi.stdout.splitlines()[1:] == ["1"]


def test_unknown_gpu(tmp_path: Path) -> None:
    smi = Box(tmp_path, 1).smi("-i", "7")
    assert (smi.returncode, smi.stdout) == (6, "No devices were found\n")
