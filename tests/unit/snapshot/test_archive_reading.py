"""Archives in every layout that engines write; damaged ones are errors, never half read."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import lzma
import os
import tarfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from drift.errors import SnapshotError
from drift.oci import DiffId, Platform
from drift.snapshot import archive
from drift.snapshot.model import Layer, LayersInMemory, Snapshot
from drift.snapshot.take import snapshot_of_path, snapshot_of_stream
from support.images import (
    Member,
    config_of,
    diff_id,
    docker_archive,
    file,
    gzipped,
    hardlink,
    oci_members,
    symlink,
    tar,
    zstded,
)

BASE = tar([file("etc/os-release", "ID=debian\n"), file("bin/sh", "#!")])
APP = tar([file("app/main.py", "print(1)\n")])
LAYERS = (BASE, APP)


def read(content: bytes, reference: str | None = None, platform: str | None = None) -> Snapshot:
    return snapshot_of_stream(
        io.BytesIO(content),
        "app.tar",
        LayersInMemory(),
        reference=reference,
        platform=Platform.parse(platform) if platform else None,
    )


def expect_whole(snapshot: Snapshot) -> None:
    assert [layer.diff_id for layer in snapshot.layers] == [diff_id(layer) for layer in LAYERS]
    assert [layer.size for layer in snapshot.layers] == [len(layer) for layer in LAYERS]
    config = config_of(LAYERS)
    assert snapshot.image_id == f"sha256:{hashlib.sha256(config).hexdigest()}"


@pytest.mark.parametrize("pack", [bytes, gzipped, zstded, lzma.compress, bz2.compress])
def test_docker_and_oci_layouts_with_every_compression(pack: Callable[[bytes], bytes]) -> None:
    packed = [pack(layer) for layer in LAYERS]
    config = config_of(LAYERS)
    expect_whole(read(tar(docker_archive(LAYERS, packed=packed))))
    expect_whole(read(tar(oci_members([(packed, config, {})]))))


@pytest.mark.parametrize("pack", [gzipped, zstded, lzma.compress, bz2.compress])
def test_the_whole_archive_may_be_compressed(pack: Callable[[bytes], bytes]) -> None:
    expect_whole(read(pack(tar(docker_archive(LAYERS)))))


def test_a_compressed_archive_is_checked_to_its_end() -> None:
    content = bytearray(gzipped(tar(docker_archive(LAYERS))))
    content[-8] ^= 1  # of the checksum, which comes after all that is needed
    with pytest.raises(SnapshotError, match="gzip"):
        read(bytes(content))


def test_whoever_writes_into_a_pipe_is_heard_out(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    padded = tar(docker_archive(LAYERS)) + bytes(32 << 20)  # programs pad their archives
    broken: list[OSError] = []

    def write() -> None:
        try:
            pipe.write_bytes(padded)
        except OSError as error:
            broken.append(error)

    writing = threading.Thread(target=write)
    writing.start()
    expect_whole(snapshot_of_path(pipe, LayersInMemory()))
    writing.join(10)
    assert not writing.is_alive()
    assert broken == []


def test_an_oci_layout_that_lies_unpacked(tmp_path: Path) -> None:
    for member in oci_members([(LAYERS, config_of(LAYERS), {})]):
        path = tmp_path / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(member.content)
    expect_whole(snapshot_of_path(tmp_path, LayersInMemory()))


def test_links_between_members_are_followed() -> None:
    members = docker_archive(LAYERS)
    linked = [
        symlink(member.name, "../layers/base.tar") if member.name == "0/layer.tar" else member
        for member in members
    ]
    expect_whole(read(tar([*linked, file("layers/base.tar", BASE)])))


def test_several_gzip_members_make_one_layer() -> None:
    half = len(BASE) // 2
    packed = [gzipped(BASE[:half]) + gzipped(BASE[half:]), gzipped(APP)]
    expect_whole(read(tar(docker_archive(LAYERS, packed=packed))))


def two_images() -> list[Member]:
    other = config_of(LAYERS, {"Cmd": ["sh"]})
    return oci_members(
        [
            (LAYERS, config_of(LAYERS), {"io.containerd.image.name": "docker.io/library/app:one"}),
            (LAYERS, other, {"io.containerd.image.name": "docker.io/library/app:two"}),
        ]
    )


def test_of_several_images_one_must_be_chosen() -> None:
    content = tar(two_images())
    with pytest.raises(SnapshotError, match=r"several images.*app:one.*app:two"):
        read(content)
    with pytest.raises(SnapshotError, match="no image matches"):
        read(content, "app:three")
    assert read(content, "app:two").config.settings == {"Cmd": ["sh"]}


def test_of_several_platforms_one_must_be_chosen() -> None:
    arm = json.loads(config_of(LAYERS)) | {"architecture": "arm64", "variant": "v8"}
    configs = [config_of(LAYERS), json.dumps(arm).encode()]
    content = tar(oci_members([(LAYERS, config, {}) for config in configs]))
    with pytest.raises(SnapshotError, match="linux/arm64/v8"):
        read(content)
    assert read(content, platform="linux/arm64").config.platform.variant == "v8"


def test_indexes_that_list_each_other_many_times_come_to_an_end() -> None:
    members = oci_members([(LAYERS, config_of(LAYERS), {})])
    index = members.pop()
    for _ in range(3):
        listed = json.loads(index.content)["manifests"] * 200
        blob = json.dumps({"manifests": listed}).encode()
        members.append(file(f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob))
        index = file("index.json", json.dumps({"manifests": [{"digest": diff_id(blob)}]}))
    fanned = json.dumps({"manifests": json.loads(index.content)["manifests"] * 200})
    with pytest.raises(SnapshotError, match="lists more than any image archive"):
        read(tar([*members, file("index.json", fanned)]))


def test_a_list_that_names_one_image_thousands_of_times_reads_it_once() -> None:
    members = docker_archive(LAYERS)
    lists = next(member for member in members if member.name == "manifest.json")
    (entry,) = json.loads(lists.content)
    many = [entry | {"RepoTags": [f"app:{number}"]} for number in range(20_000)]
    changed = [*without(members, "manifest.json"), file("manifest.json", json.dumps(many))]
    began = time.process_time()
    expect_whole(read(tar(changed), "app:19999"))
    assert time.process_time() - began < 5


def test_layers_that_no_engine_could_merge_are_an_error_that_names_the_archive() -> None:
    layer = tar([hardlink("a", "nothing")])
    with pytest.raises(SnapshotError, match=r"app\.tar: '/a' is a hard link to nothing"):
        read(tar(docker_archive([layer])))


def without(members: Sequence[Member], name: str) -> list[Member]:
    return [member for member in members if member.name != name]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tar(without(docker_archive(LAYERS), "1/layer.tar")), "is missing"),
        (tar(without(docker_archive(LAYERS), "manifest.json")), "not an image archive"),
        (tar(docker_archive((BASE,), config=config_of(LAYERS))), "1 layers, but"),
        (tar(docker_archive(LAYERS, packed=(APP, BASE))), "not what the image's configuration"),
        (tar(docker_archive(LAYERS, packed=(gzipped(BASE)[:-9], APP))), "truncated gzip"),
        (tar(docker_archive(LAYERS, packed=(gzipped(BASE)[:40] + b"x" * 400, APP))), "corrupt"),
        (tar(docker_archive(LAYERS, packed=(zstded(BASE)[:-3], APP))), "configuration|truncated"),
        (tar(docker_archive(LAYERS))[:-12_000], "truncated"),
        (b"", "not an image archive"),
        (b"not a tar at all" * 64, "not an image archive"),
        (tar([file("manifest.json", "[{}]")]), "damaged"),
        (tar([file("manifest.json", "{")]), "not JSON"),
        (tar([file("manifest.json", "[" * 100_000)]), "not JSON"),
        (tar([file("index.json", '{"manifests": 3}')]), "damaged"),
    ],
)
def test_damaged_archives_are_errors(content: bytes, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        read(content)


def test_a_blob_that_is_not_what_its_name_says_is_an_error() -> None:
    members = oci_members([(LAYERS, config_of(LAYERS), {})])
    for number, member in enumerate(members[:-2]):
        damaged = [*members]
        damaged[number] = file(member.name, member.content[:-1] + b" ")
        with pytest.raises(SnapshotError):
            read(tar(damaged))


def test_a_layer_of_no_bytes_is_an_empty_one() -> None:
    for members in (
        docker_archive((BASE, b"")),
        oci_members([((BASE, b""), config_of((BASE, b"")), {})]),
    ):
        layer = read(tar(members)).layers[1]
        assert (layer.diff_id, layer.size) == (diff_id(b""), 0)


def test_a_layer_that_lost_its_bytes_is_an_error() -> None:
    with pytest.raises(SnapshotError, match="not what the image's configuration says"):
        read(tar(docker_archive(LAYERS, packed=(BASE, b""))))
    members = oci_members([(LAYERS, config_of(LAYERS), {})])
    emptied = [file(m.name) if m.content == APP else m for m in members]
    with pytest.raises(SnapshotError, match="not what its name says"):
        read(tar(emptied))


def test_a_layer_whose_first_header_is_damaged_is_not_called_missing() -> None:
    damaged = b"?" + APP[1:]
    with pytest.raises(SnapshotError, match=r"layer 1 \(1/layer\.tar\) is no tar archive"):
        read(tar(docker_archive(LAYERS, packed=(BASE, damaged))))


def test_a_decompression_bomb_is_an_error() -> None:
    packer = zstandard.ZstdCompressor().compressobj()
    header = tarfile.TarInfo("zeros")
    header.size = 1 << 40
    start = packer.compress(header.tobuf())
    zeros = bytes(64 << 20)
    bomb = start + b"".join(packer.compress(zeros) for _ in range(20)) + packer.flush()
    assert len(bomb) < 1 << 20
    with pytest.raises(SnapshotError, match="decompression bomb"):
        read(tar(docker_archive(LAYERS, packed=(bomb, APP))))


class Counting(LayersInMemory):
    """Layers that remember which of them were parsed."""

    def __init__(self) -> None:
        super().__init__()
        self.parsed: list[DiffId] = []

    def put(self, layer: Layer) -> None:
        self.parsed.append(layer.diff_id)
        super().put(layer)


def legacy_archive(layers: Sequence[bytes]) -> list[Member]:
    """An archive as engines up to 24 write it: v1 directories, a json before each layer."""
    members: list[Member] = []
    parent = chain = ""
    names = []
    for layer in layers:
        digest = diff_id(layer)
        chain = diff_id(f"{chain} {digest}".encode()) if chain else digest
        document = {"container_config": {"Hostname": ""}, "created": "1970-01-01T00:00:00Z"}
        hashed = document | {"layer_id": chain} | ({"parent": f"sha256:{parent}"} if parent else {})
        text = json.dumps(dict(sorted(hashed.items())), separators=(",", ":"))
        name = hashlib.sha256(text.encode()).hexdigest()
        own = {"id": name} | ({"parent": parent} if parent else {}) | document
        members += [file(f"{name}/json", json.dumps(own)), file(f"{name}/layer.tar", layer)]
        names.append(f"{name}/layer.tar")
        parent = name
    config = config_of(layers)
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [{"Config": config_name, "RepoTags": None, "Layers": names}]
    return [*members, file(config_name, config), file("manifest.json", json.dumps(manifest))]


@pytest.mark.parametrize(
    "members",
    [
        legacy_archive(LAYERS),
        oci_members([(LAYERS, config_of(LAYERS), {})]),
    ],
)
def test_a_layer_that_is_known_is_not_parsed_again(members: Sequence[Member]) -> None:
    layers = Counting()
    expected = [DiffId(diff_id(layer)) for layer in LAYERS]
    for _ in range(2):
        snapshot = snapshot_of_stream(io.BytesIO(tar(members)), "export", layers, expected=expected)
        expect_whole(snapshot)
    assert sorted(layers.parsed) == sorted(expected)


def test_a_known_layer_s_content_is_still_verified() -> None:
    layers = LayersInMemory()
    expected = [DiffId(diff_id(layer)) for layer in LAYERS]
    members = legacy_archive(LAYERS)
    snapshot_of_stream(io.BytesIO(tar(members)), "export", layers, expected=expected)
    damaged = [
        file(m.name, m.content[:600] + b"!" + m.content[601:]) if m.content == BASE else m
        for m in members
    ]
    with pytest.raises(SnapshotError, match="not the layer that its name says"):
        snapshot_of_stream(io.BytesIO(tar(damaged)), "export", layers, expected=expected)


@given(st.data())
def test_any_flipped_byte_is_an_error_or_changes_nothing(data: st.DataObject) -> None:
    content = bytearray(tar(docker_archive(LAYERS)))
    at = data.draw(st.integers(min_value=0, max_value=len(content) - 1))
    content[at] ^= data.draw(st.integers(min_value=1, max_value=255))
    try:
        snapshot = read(bytes(content))
    except SnapshotError:
        return
    # Tar padding and modes of the outer archive are not the image's content.
    assert [layer.diff_id for layer in snapshot.layers] == [diff_id(layer) for layer in LAYERS]


def unpack(members: Sequence[Member], root: Path) -> None:
    for member in members:
        path = root / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(member.content)


def test_a_layout_with_a_pipe_in_it_and_links_out_of_it_is_read_without_them(
    tmp_path: Path,
) -> None:
    root = tmp_path / "layout"
    unpack(oci_members([(LAYERS, config_of(LAYERS), {})]), root)
    os.mkfifo(root / "blobs" / "pipe")
    (root / "outside").symlink_to("/dev/zero")
    (root / "circle").symlink_to("circle")
    expect_whole(snapshot_of_path(root, LayersInMemory()))


def test_links_between_the_files_of_a_directory_are_followed(tmp_path: Path) -> None:
    unpack(docker_archive(LAYERS), tmp_path)
    (tmp_path / "1" / "layer.tar").rename(tmp_path / "app.tar")
    (tmp_path / "1" / "layer.tar").symlink_to("../app.tar")
    expect_whole(snapshot_of_path(tmp_path, LayersInMemory()))


def test_a_blob_that_is_a_link_out_of_the_layout_is_missing(tmp_path: Path) -> None:
    root = tmp_path / "layout"
    unpack(oci_members([(LAYERS, config_of(LAYERS), {})]), root)
    blob = root / "blobs" / "sha256" / hashlib.sha256(APP).hexdigest()
    blob.rename(tmp_path / "outside")
    blob.symlink_to(tmp_path / "outside")
    with pytest.raises(SnapshotError, match="is missing"):
        snapshot_of_path(root, LayersInMemory())


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/proc", "/nowhere"])
def test_what_is_no_archive_is_refused_at_once(path: str) -> None:
    with pytest.raises(SnapshotError):
        snapshot_of_path(Path(path), LayersInMemory())


def _with_blob(members: list[Member], blob: bytes, **extra: str) -> list[Member]:
    """The layout with one more manifest in its index, whose layer is a blob of another kind."""
    config = b'{"of": "an artifact"}'
    named = {hashlib.sha256(content).hexdigest(): content for content in (blob, config)}
    digests = [f"sha256:{digest}" for digest in named]
    manifest = json.dumps(
        {"config": {"digest": digests[1], **extra}, "layers": [{"digest": digests[0]}]}
    ).encode()
    named[hashlib.sha256(manifest).hexdigest()] = manifest
    index = json.loads(members[-1].content)
    index["manifests"].append({"digest": f"sha256:{hashlib.sha256(manifest).hexdigest()}"})
    blobs = [file(f"blobs/sha256/{digest}", content) for digest, content in named.items()]
    return [*members[:-1], *blobs, file("index.json", json.dumps(index))]


@pytest.mark.parametrize(
    "blob", [gzipped(b"a gzipped SBOM"), b"{" + b" " * (17 << 20) + b"}", zstded(b"x" * 9000)]
)
def test_artifacts_beside_an_image_are_no_images_and_no_layers(blob: bytes) -> None:
    members = oci_members([(LAYERS, config_of(LAYERS), {})])
    kind = "application/vnd.example.config.v1+json"
    expect_whole(read(tar(_with_blob(members, blob, mediaType=kind))))


def test_a_layer_that_is_no_tar_archive_is_an_error_that_says_so() -> None:
    packed = (gzipped(BASE), gzipped(b"no tar archive at all" * 100))
    members = oci_members([(packed, config_of(LAYERS), {})])
    with pytest.raises(SnapshotError, match=r"layer 1 cannot be read: .* tar header"):
        read(tar(members))


def test_an_attestation_without_annotation_is_known_by_its_platform() -> None:
    members = oci_members([(LAYERS, config_of(LAYERS), {}), ((APP,), config_of((APP,)), {})])
    index = json.loads(members[-1].content)
    index["manifests"][1]["platform"] = {"os": "unknown", "architecture": "unknown"}
    expect_whole(read(tar([*members[:-1], file("index.json", json.dumps(index))])))


def test_a_default_variant_may_be_left_out() -> None:
    document = json.loads(config_of(LAYERS)) | {"architecture": "arm64"}
    members = docker_archive(LAYERS, config=json.dumps(document).encode())
    assert read(tar(members), platform="linux/arm64/v8").config.platform == Platform(
        "linux", "arm64"
    )


@pytest.mark.parametrize(
    "extra",
    [
        '"config": {"x": NaN}',
        '"config": Infinity',
        '"config": ' + "[" * 100_000,
        '"config": ' + "[" * 100 + "]" * 100,
    ],
)
def test_a_configuration_that_is_not_json_is_an_error(extra: str) -> None:
    document = config_of(LAYERS).decode().removesuffix("}") + f", {extra}}}"
    with pytest.raises(SnapshotError, match="not JSON"):
        read(tar(docker_archive(LAYERS, config=document.encode())))


def test_half_a_surrogate_pair_in_a_configuration_can_be_written_again() -> None:
    document = config_of(LAYERS, {"Env": ["A=\ud800"]})
    settings = read(tar(docker_archive(LAYERS, config=document))).config.settings
    json.dumps(settings, ensure_ascii=False).encode()


def test_another_platform_s_manifest_without_its_configuration_is_left_out() -> None:
    arm = json.dumps(json.loads(config_of(LAYERS)) | {"architecture": "arm64"}).encode()
    members = oci_members([(LAYERS, config_of(LAYERS), {}), (LAYERS, arm, {})])
    partial = [member for member in members if member.content != arm]
    expect_whole(read(tar(partial)))
    alone = oci_members([(LAYERS, arm, {})])
    with pytest.raises(SnapshotError, match=hashlib.sha256(arm).hexdigest() + " is missing"):
        read(tar([member for member in alone if member.content != arm]))


def test_of_a_member_that_comes_twice_the_last_counts() -> None:
    members = docker_archive(LAYERS)
    earlier = [
        symlink("manifest.json", "nowhere"),
        symlink("0/layer.tar", "../1/layer.tar"),
        file("1/layer.tar", BASE),
    ]
    expect_whole(read(tar([*earlier, *members])))
    with pytest.raises(SnapshotError, match="is missing"):
        read(tar([*members, symlink("1/layer.tar", "nowhere")]))


def test_an_archive_of_more_files_than_fit_in_memory_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "ENTRIES_LIMIT", 3)
    expect_whole(read(tar(docker_archive(LAYERS))))
    with pytest.raises(SnapshotError, match="more files than drift reads of one archive"):
        read(tar(docker_archive((*LAYERS, tar([file("one-more")])))))


def _by_sha512(members: Sequence[Member]) -> list[Member]:
    """The layout with every blob named by its sha512 digest."""
    renamed: list[Member] = []
    names: dict[bytes, bytes] = {}
    # A manifest names blobs, so its own digest comes last.
    blobs = [member for member in members if member.name.startswith("blobs/")]
    manifests = [member for member in blobs if b"schemaVersion" in member.content]
    for member in [*(blob for blob in blobs if blob not in manifests), *manifests]:
        content = member.content
        if member in manifests:
            for old, new in names.items():
                content = content.replace(old, new)
        digest = hashlib.sha512(content).hexdigest()
        names[b"sha256:" + member.name.rpartition("/")[2].encode()] = f"sha512:{digest}".encode()
        renamed.append(file(f"blobs/sha512/{digest}", content))
    index = members[-1].content
    for old, new in names.items():
        index = index.replace(old, new)
    return [*renamed, file("index.json", index)]


@pytest.mark.parametrize("pack", [bytes, gzipped])
def test_blobs_named_by_sha512_are_held_to_it(pack: Callable[[bytes], bytes]) -> None:
    packed = [pack(layer) for layer in LAYERS]
    members = _by_sha512(oci_members([(packed, config_of(LAYERS), {})]))
    expect_whole(read(tar(members)))
    for number, member in enumerate(members[:-1]):
        damaged = [*members]
        damaged[number] = file(member.name, member.content[:-1] + b"?")
        with pytest.raises(SnapshotError, match=r"not what its name says|corrupt gzip"):
            read(tar(damaged))
