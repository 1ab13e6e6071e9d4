"""Shell scripts, read statically: what bash would make of them, without bash."""

import shutil
import subprocess
from pathlib import Path

import pytest

from budgetscope.store.configs.cells import UNKNOWN
from budgetscope.store.configs.flags import command_line
from budgetscope.store.configs.read import read_command, read_runs
from budgetscope.store.configs.shell import Script

# Each script ends with a command `show`, whose words bash prints.
SCRIPTS = {
    "variables": "A=3\nexport B=$A\nC=\"$A $B\"\nshow $A ${B} $C \"$C\" '$A' a\"$B\"c",
    "defaults": "A=1\nshow ${A:-2} ${B:-2} ${1:-x} ${B-y} ${A:+z} ${B:+z} ${C:=9} $C",
    "arithmetic": "A=6; B=4\nshow $((A*B)) $(($A / $B)) $(( (A+B) % 3 )) $((2**10)) $((A-B*2))",
    "arrays": 'A=(1 "2 3" # a comment (with brackets)\n   4)\nA+=(5 $((1+5)))\nB=${A[@]}\nshow "${A[@]}" $B',
    "continuation": 'show a \\\n  --b 1 \\\n  --c "d e"   # end\n',
    "comments": "# show nothing's here \\\nshow a#b '#c' \"# d\" # e",
    "separators": "A=1; B=2 && C=3\nshow $A$B$C | cat",
    "if": 'S=13\nif [ $S == 7 ]; then L=1; elif [[ "$S" = "13" ]]; then\n L=2\nelse L=3; fi\nshow $L',
    "nested if": "A=1\nif [ $A -gt 3 ]; then\n if [ $A == 1 ]; then\n B=1\n else\n B=2\n fi\nelse\n B=3\nfi\nshow $B",
    "unset": 'if [ -z "$ZZ" ]; then ZZ=7; fi\nif [ -n "$YY" ]; then YY=8; fi\nshow $ZZ',
    "case": "S=13b\ncase $S in\n 7b) L=1;;\n 13b | 13B) L=2\n  M=5 ;;\n *) L=3 ;;\nesac\nshow $L $M",
    "case star": 'S=x\ncase "$S" in 7b) L=1;; *) L=3;; esac\nshow $L',
    "and or": "A=1\n[ $A == 1 ] && B=2\n[ $A == 2 ] && B=3\n[ $A == 1 ] || B=4\nshow $B",
    "here-document": "cat <<EOF > /dev/null\nshow 'never\nEOF\nshow a",
    "redirections": "show a b 2>&1",
    "eval": 'R="show --a 1"\neval $R',
    "inner shell": 'A=2\nC="show --a $A"\neval "$C"',
    "appended": 'O="--a 1"\nO="$O --b 2"\nO+=" --c 3"\nshow $O',
    "escapes": 'show a\\ b \\$A "c\\"d"',
    "quotes in quotes": "A=\"it's 'x|y' \\$z \\n\"\nB=\"$A 'q'\"\nshow \"$B\" $B",
    "quotes in an inner shell": "A=\"--a 'x|y' --b 1\"\neval \"show $A --c\"",
    "colon": ': "${A:=5}"\nshow $A',
}  # fmt: skip


def words_of(text: str) -> list[str]:
    return next(list(words[1:]) for words in Script(text, "x").commands if words[0] == "show")


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash to compare with")
@pytest.mark.parametrize("name", SCRIPTS)
def test_words_are_those_of_bash(name: str) -> None:
    function = "show() { printf '%s\\n' \"$@\"; }\n"
    ran = subprocess.run(["bash", "-c", function + SCRIPTS[name]], capture_output=True, text=True, check=True, env={})
    assert words_of(SCRIPTS[name]) == ran.stdout.splitlines()


@pytest.mark.parametrize("text", ["A=$(date)", "A=`date`", "A=$LATER", "A=${LATER}", "A=$((LATER*2))", "A=${A%%x}"])
def test_what_only_the_run_makes_is_unknown(text: str) -> None:
    assert words_of(f"{text}\nshow $A") == [UNKNOWN]


def test_nothing_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run.sh"
    path.write_text("touch a; A=$(touch b)\n`touch c`\neval 'touch d'\npython train.py --max_iters=3", encoding="utf-8")
    (run,) = read_runs([path])
    assert run.steps == 3
    assert [each.name for each in tmp_path.iterdir()] == ["run.sh"]


def test_a_branch_that_is_not_known_is_told() -> None:
    run = read_command("if [ -f done ]; then N=5; else N=6; fi\npython train.py --max_iters=$N")
    assert run.steps == 6
    assert any("branches" in remark for remark in run.remarks)


def test_a_value_that_is_not_known_is_told_and_takes_no_default() -> None:
    run = read_command("python train.py --max_iters=$STEPS --learning_rate=$(cat lr)")
    assert run.steps is None
    assert run.learning_rate is None
    assert sorted(remark for remark in run.remarks if "only when" in remark) == [
        "--learning_rate is known only when the script runs.",
        "--max_iters is known only when the script runs.",
    ]


def test_a_command_in_a_shell_of_slurm() -> None:
    run = read_command(
        'OPT=" \\\n --num-layers 4 --hidden-size 256 --num-attention-heads 4 --seq-length 512 \\\n --train-iters 10 '
        '--global-batch-size 8"\nLAUNCH="python -u -m torch.distributed.run --nproc_per_node 8 --nnodes 2"\n'
        'CMD="$LAUNCH pretrain_gpt.py $OPT"\nsrun --label bash -c "$CMD --lr 1e-3" 2>&1 | tee log'
    )
    assert (run.depth, run.steps, run.n_devices, run.learning_rate) == (4, 10, 16, 1e-3)


@pytest.mark.parametrize(
    ("command", "n_devices"),
    [
        ("torchrun --nproc-per-node 8 train.py --a 1", 8),
        ("torchrun --nproc_per_node=8 --nnodes=4 train.py --a 1", 32),
        ("torchrun --nproc-per-node gpu train.py --a 1", None),
        ("torchrun --nnodes 2:4 --nproc-per-node 8 train.py --a 1", None),
        ("python -m torch.distributed.launch --nproc_per_node 4 train.py --a 1", 4),
        ("accelerate launch --num_processes 16 train.py --a 1", 16),
        ("deepspeed --num_gpus 8 --num_nodes 2 train.py --a 1", 16),
        ("mpirun -np 8 ./train_gpt2cu -e d12", 8),
        ("python train.py --nproc_per_node 8", None),
    ],
)
def test_devices_of_a_launcher(command: str, n_devices: int | None) -> None:
    assert command_line(command.split()).n_devices == n_devices


COMMAND = "python x/train.py config/a.py --a=1 --b -1 --c --d 2 3 --e.f=g h=4 +i.j=5 -k 6"


def test_flags_and_their_values() -> None:
    line = command_line(tuple(COMMAND.split()))
    assert line.programs == ("train.py",)
    assert line.flags == {"--a": "1", "--b": "-1", "--c": True, "--d": ("2", "3"), "--e.f": "g", "-k": "6"}
    assert line.assigned == {"h": "4", "i.j": "5"}
    assert line.files == ("x/train.py", "config/a.py")
