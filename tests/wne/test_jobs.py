"""`wne denoise` over files and folders: names, interruptions, what is kept beside the pixels, what is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from benchmarks.image_kinds import GREY, PROFILE, RGB, photo
from wne.adapters.networks import OwnDenoiser
from wne.checkpoints import save_checkpoint
from wne.cli import main
from wne.denoise import ImageDenoiser
from wne.imagefiles import ImageFileError, open_image, read_image, write_image
from wne.jobs import best_device, denoise_file, denoise_files, plan


@pytest.fixture(scope="module")
def denoise() -> ImageDenoiser:
    return ImageDenoiser()


# --- which files --------------------------------------------------------------------------------------


def test_formats_that_would_lose_again_are_written_as_ones_that_do_not(tmp_path):
    for name in ("a.JPG", "b.webp", "c.bmp", "d.hdr", "e.TIF", "f.exr"):
        (tmp_path / name).touch()
    names = [target.name for _, target in plan(tmp_path, tmp_path / "out").jobs]
    assert names == ["a.png", "b.png", "c.png", "d.exr", "e.TIF", "f.exr"]


def test_results_that_exist_are_refused_kept_or_overwritten(tmp_path):
    for name in ("a.png", "b.png", "out/a.png"):
        write_image(tmp_path / name, GREY)
    with pytest.raises(ImageFileError, match=r"out/a\.png: exists already; use --force.*--skip-existing"):
        plan(tmp_path, tmp_path / "out")
    kept = plan(tmp_path, tmp_path / "out", skip_existing=True)
    assert kept.jobs == [(tmp_path / "b.png", tmp_path / "out/b.png")] and kept.skipped == 1
    assert len(plan(tmp_path, tmp_path / "out", force=True).jobs) == 2


def test_files_of_other_kinds_are_counted(tmp_path):
    for name in ("a.png", "notes.txt", "below/raw.cr2", ".hidden", "out/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert plan(tmp_path, tmp_path / "out").others == 2


def test_a_folder_without_permission_is_said_and_the_rest_goes_on(tmp_path, monkeypatch):
    for name in ("a.png", "private/b.png"):
        write_image(tmp_path / name, GREY)
    scandir = os.scandir

    def guarded(path):  # as root every folder can be read
        if Path(path).name == "private":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = plan(tmp_path, tmp_path / "out")
    assert [source.name for source, _ in found.jobs] == ["a.png"]
    assert found.problems == [f"{tmp_path / 'private'}: this folder cannot be read (no permission)"]


def test_a_file_goes_into_a_folder_that_is_not_there_yet(tmp_path, denoise):
    write_image(tmp_path / "a.jpg.png", GREY)
    [(source, target)] = plan(tmp_path / "a.jpg.png", Path(f"{tmp_path}/new/")).jobs
    assert target == tmp_path / "new/a.jpg.png"
    denoise_file(source, target, denoise)
    assert read_image(target).shape == GREY.shape
    (tmp_path / "there").touch()  # a file, and no folder
    assert plan(source, tmp_path / "there", force=True).jobs == [(source, tmp_path / "there")]


def test_two_images_for_one_result_are_both_named(tmp_path):
    for name in ("a.jpg", "a.png"):
        (tmp_path / name).touch()
    with pytest.raises(
        ImageFileError, match=r"out/a\.png: two images would be written there, a\.jpg and a\.png; rename"
    ):
        plan(tmp_path, tmp_path / "out")


def test_links_to_folders_elsewhere_are_said_and_circles_are_not_walked(tmp_path):
    write_image(tmp_path / "in/a.png", GREY)
    write_image(tmp_path / "elsewhere/b.png", GREY)
    (tmp_path / "in/circle").symlink_to(".")
    (tmp_path / "in/link").symlink_to("../elsewhere")
    found = plan(tmp_path / "in", tmp_path / "out")
    assert [source.name for source, _ in found.jobs] == ["a.png"]
    assert found.problems == [
        f"{tmp_path / 'in/link'}: a link to a folder, which is not followed; give that folder as IN"
    ]


# --- one after the other ------------------------------------------------------------------------------


def test_one_bad_file_does_not_end_a_folder(tmp_path, denoise, capsys, monkeypatch):
    source, out = tmp_path / "in", tmp_path / "out"
    for name in ("a.png", "z.png"):
        write_image(source / name, GREY)
    with (source / "archive.npy").open("wb") as file:
        np.savez(file, a=GREY, b=GREY)
    (source / "cut.tif").write_bytes(b"II*\0\x08\0\0\0")
    large = np.lib.format.open_memmap(source / "large.npy", "w+", np.uint8, (1 << 20, 1 << 20))  # takes no space
    del large
    write_image(source / "e.png", GREY[:50])
    network = denoise.network

    def limited(y):
        if y.shape[-2] == 50:
            raise MemoryError
        return network(y)

    monkeypatch.setattr(denoise, "network", limited)
    assert denoise_files(plan(source, out).jobs, denoise) == 4
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "z.png"]
    lines = [line for line in capsys.readouterr().err.replace("\r", "\n").splitlines() if line.startswith("error: ")]
    for name, words in [
        ("archive.npy", "an .npz archive of 2 arrays"), ("cut.tif", "damaged"), ("large.npy", "too large for the memory"),
        ("e.png", "too large for the memory"),
    ]:  # fmt: skip
        assert sum(f"{source / name}: " in line and words in line for line in lines) == 1, (name, lines)


@pytest.mark.parametrize("length", [248, 251])
def test_names_as_long_as_the_file_system_takes(tmp_path, denoise, length):
    source = tmp_path / ("n" * length + ".png")
    write_image(source, GREY)
    denoise_file(source, tmp_path / "out" / source.name, denoise)
    assert read_image(tmp_path / "out" / source.name).shape == GREY.shape


def test_auto_takes_apple_s_gpu_where_there_is_no_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for there in (True, False):
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda there=there: there)
        assert best_device("auto").type == ("mps" if there else "cpu")
    assert best_device("cpu").type == "cpu"


def test_the_page_that_cannot_be_denoised_is_named(tmp_path, denoise, capsys):
    stack = np.stack([GREY / 255] * 4)
    stack[2, 5, 7] = np.nan
    np.save(tmp_path / "a.npy", stack)
    assert denoise_files([(tmp_path / "a.npy", tmp_path / "b.npy")], denoise) == 1
    assert f"{tmp_path / 'a.npy'}: page 3: has 1 pixels that are NaN" in capsys.readouterr().err
    assert not (tmp_path / "b.npy").exists()


def test_a_network_that_refuses_its_tiles_says_what_to_do(tmp_path, capsys):
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 8, 8), torch.nn.ConvTranspose2d(1, 1, 8, 8))
    np.save(tmp_path / "a.npy", GREY[:56, :88])
    job = (tmp_path / "a.npy", tmp_path / "b.npy")
    assert denoise_files([job], ImageDenoiser(OwnDenoiser(network, 1, "baseline"), tile=20)) == 1
    assert "on a tile of 20 x 20 pixels; if the network needs sides" in capsys.readouterr().err
    assert denoise_files([job], ImageDenoiser(OwnDenoiser(network, 1, "baseline"), tile=0)) == 0


def test_a_package_that_is_missing_is_one_line(tmp_path, monkeypatch, capsys):
    config = {"model": {"backbone": "timm:convnext_atto"}, "variant": "wne", "task": {"channels": 1}}
    save_checkpoint(tmp_path / "a.safetensors", torch.nn.Conv2d(1, 1, 3), config, "")
    monkeypatch.delitem(sys.modules, "wne.models.timm_encoder", raising=False)
    monkeypatch.setitem(sys.modules, "timm", None)
    monkeypatch.setattr(sys, "argv", ["wne", "info", str(tmp_path / "a.safetensors")])
    with pytest.raises(SystemExit) as end:
        main()
    error = capsys.readouterr().err
    assert end.value.code == 1 and len(error.splitlines()) == 1
    assert error.startswith("error: ") and error.endswith("; install it with: pip install timm\n")


@pytest.mark.slow
def test_a_closed_error_stream_is_no_obstacle(tmp_path):
    write_image(tmp_path / "a.png", GREY)
    command = [sys.executable, "-c", "from wne.start import main; main()", "denoise", "a.png", "b.png"]
    done = subprocess.run(
        ["bash", "-c", 'exec "$@" 2>&-', "bash", *command], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 0 and "1 of 1 denoised" in done.stdout
    assert read_image(tmp_path / "b.png").shape == GREY.shape


# --- beside the pixels --------------------------------------------------------------------------------


def test_a_photograph_keeps_its_exif_profile_and_resolution(tmp_path, denoise):
    photo(tmp_path / "a.jpg")
    assert denoise_file(tmp_path / "a.jpg", tmp_path / "a.png", denoise) == []
    with Image.open(tmp_path / "a.png") as result:
        exif = result.getexif()
        assert result.size == (60, 90) and exif.get(0x0112, 1) == 1  # upright, once
        assert result.info["icc_profile"] == PROFILE
        assert np.rint(result.info["dpi"]).tolist() == [200, 300]  # turned with the image
        assert (exif[0x010F], exif[0x0132]) == ("Maker", "2020:01:02 03:04:05")
        everywhere = dict(exif) | exif.get_ifd(0x8769)  # OpenImageIO moves some from the second table to the first
        assert everywhere[0x8827] == 400 and everywhere[0xA434] == "50 mm"
        assert [float(x) for x in exif.get_ifd(0x8825)[2]] == [48, 30, 1.5]


def test_a_tiff_keeps_resolution_profile_description_and_compression_on_every_page(tmp_path, denoise):
    options = {"resolution": (2.5, 4), "resolutionunit": "CENTIMETER", "iccprofile": PROFILE, "compression": "zlib"}
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for number in range(2):
            file.write(RGB, photometric="rgb", description=f"page {number}", metadata=None, **options)
    assert denoise_file(tmp_path / "a.tif", tmp_path / "b.tif", denoise) == []
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        for number, page in enumerate(file.pages):
            assert page.get_resolution("CENTIMETER") == (2.5, 4) and page.description == f"page {number}"
            assert page.iccprofile == PROFILE and page.compression.name == "ADOBE_DEFLATE"


def test_stacks_keep_their_physical_pixel_size(tmp_path, denoise):
    stack = np.stack([GREY, 255 - GREY])
    tifffile.imwrite(tmp_path / "a.tif", stack, imagej=True, resolution=(5, 5), metadata={"spacing": 3.0, "unit": "um"})
    tifffile.imwrite(tmp_path / "b.ome.tif", stack, metadata={"axes": "ZYX", "PhysicalSizeX": 0.25})
    for name in ("a.tif", "b.ome.tif"):
        denoise_file(tmp_path / name, tmp_path / f"out/{name}", denoise)
    with tifffile.TiffFile(tmp_path / "out/a.tif") as file:
        assert file.imagej_metadata["spacing"] == 3 and file.pages[0].get_resolution() == (5, 5)
        assert file.series[0].shape == stack.shape
    with tifffile.TiffFile(tmp_path / "out/b.ome.tif") as file:
        assert 'PhysicalSizeX="0.25"' in file.ome_metadata and file.series[0].shape == stack.shape


def test_what_is_not_kept_is_said(tmp_path, denoise):
    tags = [(33550, "d", 3, (1.0, 1.0, 0.0), True), (42113, "s", 0, "-9999", True), (65000, "s", 0, "private", True)]
    tifffile.imwrite(tmp_path / "map.tif", GREY, extratags=tags)
    note = ["not kept: GDAL_NODATA, ModelPixelScaleTag, tag 65000"]
    assert denoise_file(tmp_path / "map.tif", tmp_path / "out.tif", denoise) == note
    photo(tmp_path / "a.jpg")
    assert denoise_file(tmp_path / "a.jpg", tmp_path / "a.npy", denoise) == [
        "not kept: DateTime, GPSLatitude, GPSLatitudeRef, ISOSpeedRatings, LensModel, Make, colour profile, resolution"
    ]
    Image.fromarray(RGB).convert("CMYK").save(tmp_path / "inks.tif", icc_profile=PROFILE)
    assert denoise_file(tmp_path / "inks.tif", tmp_path / "inks.png", denoise) == [
        "CMYK became RGB, without a colour profile", "not kept: colour profile",
    ]  # fmt: skip
    tifffile.imwrite(tmp_path / "p.tif", GREY)
    tifffile.imwrite(tmp_path / "p.tif", GREY[::4, ::4], subfiletype=1, append=True)
    assert denoise_file(tmp_path / "p.tif", tmp_path / "q.tif", denoise) == ["previews and masks left out: 1"]


def test_a_range_that_a_bare_network_was_not_trained_on_is_said(tmp_path):
    bare, twelve_bits = ImageDenoiser("dncnn-baseline-s25"), GREY.astype(np.uint16) << 4
    dark_among_others = np.stack([twelve_bits, twelve_bits << 4])
    for image, words in [
        (GREY.astype(np.float32), ["outside [0, 1]"]), (twelve_bits, ["of what uint16 holds"]),
        (np.stack([twelve_bits] * 2), ["of what uint16 holds"]), (dark_among_others, []), (GREY // 8, []),
    ]:  # fmt: skip
        np.save(tmp_path / "a.npy", image)
        notes = denoise_file(tmp_path / "a.npy", tmp_path / "b.npy", bare)
        assert len(notes) == len(words) and all(word in note for word, note in zip(words, notes)), notes


def test_what_is_not_kept_is_said_where_the_result_takes_the_place_of_the_source(tmp_path, denoise):
    tifffile.imwrite(tmp_path / "map.tif", GREY, extratags=[(42113, "s", 0, "-9999", True)])
    assert denoise_file(tmp_path / "map.tif", tmp_path / "map.tif", denoise) == ["not kept: GDAL_NODATA"]


def test_what_later_pages_say_and_the_result_does_not_is_said(tmp_path, denoise):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(GREY)
        file.write(GREY, extratags=[(65000, "s", 0, "private", True)])
    assert denoise_file(tmp_path / "a.tif", tmp_path / "b.tif", denoise) == ["not kept: tag 65000"]


def test_what_a_very_large_image_loses_is_said(tmp_path, denoise, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # which Pillow opens no larger image than
    photo(tmp_path / "a.jpg")
    [note] = denoise_file(tmp_path / "a.jpg", tmp_path / "a.npy", denoise)
    assert "colour profile" in note and Image.MAX_IMAGE_PIXELS == 100


def test_an_orientation_that_means_nothing_is_upright(tmp_path, denoise):
    exif = Image.Exif()
    exif[0x0112] = 99
    Image.fromarray(RGB).save(tmp_path / "a.jpg", exif=exif)
    denoise_file(tmp_path / "a.jpg", tmp_path / "a.png", denoise)
    assert read_image(tmp_path / "a.png").shape == RGB.shape
    assert Image.open(tmp_path / "a.png").getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize(("suffix", "format"), [(".jpg", "MPO"), (".png", "PNG")])
def test_further_images_in_a_photograph_are_not_lost_without_a_word(tmp_path, denoise, suffix, format):
    source = tmp_path / f"a{suffix}"
    Image.fromarray(RGB).save(source, format, save_all=True, append_images=[Image.fromarray(255 - RGB)])
    assert denoise_file(source, tmp_path / "b.png", denoise) == ["not kept: further images"]


def test_frames_of_an_animation_are_pages(tmp_path, denoise):
    source = tmp_path / "a.webp"
    Image.fromarray(RGB).save(source, save_all=True, append_images=[Image.fromarray(255 - RGB)], lossless=True)
    with pytest.raises(ImageFileError, match=r"only TIFF and \.npy hold several images; write b\.tif instead"):
        denoise_file(source, tmp_path / "b.png", denoise)
    denoise_file(source, tmp_path / "b.tif", denoise)
    assert open_image(tmp_path / "b.tif").count == 2


# --- Ctrl-C -------------------------------------------------------------------------------------------

# Before `listen` Python starts; what it does with Ctrl-C then is its own.
_START = (
    "import sys; sys.argv = ['wne', *sys.argv[1:]]; from wne.interrupts import listen; listen(); print(flush=True); "
    "from wne.start import main; main()"
)


def interrupted(arguments: list[object], after: float) -> tuple[int, str]:
    """Exit status and error stream of the command that gets Ctrl-C after some seconds; None: it was done before."""
    process = subprocess.Popen(
        [sys.executable, "-c", _START, *map(str, arguments)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    error = process.communicate()[1]
    return process.returncode, error


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.4, 0.8, 1.5, 4, 7])
def test_ctrl_c_is_one_line_and_status_130_whenever_it_comes(tmp_path, after):
    write_image(tmp_path / "in/a.npy", np.zeros((4000, 4000), np.uint8) + np.arange(4000, dtype=np.uint8))
    status, error = interrupted(["denoise", tmp_path / "in", tmp_path / "out", "--device", "cpu"], after)
    assert status == 130
    words = [
        line
        for line in error.replace("\r", "\n").splitlines()
        if line.strip() and "it/s" not in line and "s/it" not in line
    ]
    assert words == ["interrupted"] and "Traceback" not in error
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []
