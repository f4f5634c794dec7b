"""Each system is told how to raise its level, in lines that can be pasted; and nothing where nothing is to do."""

from grader.sandbox import raising
from grader.sandbox.outcome import Level
from grader.sandbox.raising import PROFILE_PATH, System, steps

L1, L2, L3 = (Level(name, "") for name in ("L1", "L2", "L3"))
UBUNTU = System(name="Ubuntu 24.04.1 LTS", words=("ubuntu", "debian"), restricts_namespaces=True, most_namespaces=9000)
ROCKY = System(name="Rocky Linux 8", words=("rocky", "rhel", "centos", "fedora"), most_namespaces=0)
AGAIN = "run `grader doctor` again: every wall is tried, so it says whether this was all"


def test_at_the_highest_level_there_is_nothing_to_do():
    assert steps(UBUNTU, L3) == []
    assert steps(System(platform="darwin"), L3) == []


def test_level_2_is_told_the_way_to_level_3():
    assert steps(UBUNTU, L2) == steps(UBUNTU, L1) != []


def test_ubuntu_is_told_the_package_and_the_profile():
    package, profile, reload_, again = steps(UBUNTU, L1)
    assert package == "sudo apt install bubblewrap"
    assert profile.partition("\n")[0].endswith(PROFILE_PATH)
    assert profile.partition("\n")[2] == (
        "abi <abi/4.0>,\ninclude <tunables/global>\n\nprofile bwrap /usr/bin/bwrap flags=(unconfined) {\n  userns,\n"
        "  include if exists <local/bwrap>\n}\n"
    )
    assert (reload_, again) == ("sudo systemctl reload apparmor", AGAIN)


def test_the_profile_is_for_the_bubblewrap_that_is_there():
    from dataclasses import replace

    profile, *_ = steps(replace(UBUNTU, bwrap="/usr/local/bin/bwrap"), L1)
    assert "profile bwrap /usr/local/bin/bwrap flags" in profile
    assert not any("install" in step for step in steps(replace(UBUNTU, bwrap="/usr/local/bin/bwrap"), L1))


def test_red_hat_is_told_the_package_and_the_setting():
    assert steps(ROCKY, L1) == [
        "sudo dnf install bubblewrap",
        "echo user.max_user_namespaces=10000 | sudo tee /etc/sysctl.d/60-grader.conf && sudo sysctl --system",
        AGAIN,
    ]


def test_an_old_debian_is_told_its_own_switch():
    debian = System(words=("debian",), bwrap="/usr/bin/bwrap", allows_users=False, most_namespaces=100_000)
    assert "kernel.unprivileged_userns_clone=1" in steps(debian, L1)[0]


def test_containers_are_told_flags_and_what_they_cost():
    for container, word in (("docker", "docker run"), ("podman", "podman run"), ("kubernetes", "hostUsers: false")):
        made = steps(System(words=("debian",), bwrap="/usr/bin/bwrap", container=container), L1)
        assert word in made[0]
        assert "for grading only" in made[1]
        assert not any(PROFILE_PATH in step for step in made)


def test_other_systems_are_told_plainly_what_they_have():
    mac, windows = (steps(System(platform=name), L1) for name in ("darwin", "win32"))
    assert "level L1 only" in mac[0]
    assert "no model code is run" in windows[0]
    assert "WSL 2" in windows[1]


def test_an_unknown_linux_is_told_in_words():
    assert "package manager" in steps(System(words=("nixos",)), L1)[0]


def test_os_release_is_read_with_and_without_quotes(tmp_path):
    (tmp_path / "os-release").write_text('ID=ubuntu\nID_LIKE=debian\nPRETTY_NAME="Ubuntu 24.04"\n\n# a remark\n')
    assert raising._release(str(tmp_path / "os-release")) == {
        "ID": "ubuntu", "ID_LIKE": "debian", "PRETTY_NAME": "Ubuntu 24.04",
    }  # fmt: skip
    assert raising._release(str(tmp_path / "absent")) == {}


def test_this_machine_can_be_looked_at():
    assert raising.this_system().platform
