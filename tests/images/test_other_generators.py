"""What pictures of other generators say: the prompt, and what is not the prompt.

`cases` has a picture for each fault that was found in files of people.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tui.catalog.spec import Values
from tui.images import comfyui, node_graph
from tui.images.metadata import read
from tui.images.recipes import EmbeddedRecipe, Recipe, recipe_of_facts

CASES = Path(__file__).parent / "cases"
FOX: Values = {"prompt": "a fox", "negative_prompt": "bad"}


@pytest.mark.parametrize(
    ("name", "source", "model", "values"),
    [
        (
            "civitai_emptyneg",
            *("a1111", ""),
            {"prompt": "a vintage car", "size": "832x1216", "seed": 1760020955},
        ),
        ("crlf", "a1111", "sd15", FOX | {"size": "512x512", "seed": 42}),
        (
            "dynprompts_template",
            *("a1111", "sd15"),
            {"prompt": "a red car", "negative_prompt": "ugly"}
            | {"size": "512x512", "seed": 42},
        ),
        (
            "dynprompts_template_ext",
            *("a1111", "sd15"),
            {"prompt": "a red car", "negative_prompt": "ugly"}
            | {"size": "512x512", "seed": 42},
        ),
        (
            "params_multiline",
            *("a1111", "example"),
            {"prompt": "cat", "negative_prompt": "blur"}
            | {"size": "512x512", "seed": 42},
        ),
        (
            "forge",
            *("a1111", "flux1-dev-bnb-nf4-v2"),
            {"prompt": "a fox", "size": "896x1152", "seed": 99},
        ),
        (
            "sddp624_hires",
            *("a1111", "absolutereality_v181"),
            {
                "prompt": "RAW photo,\nWorld",
                "negative_prompt": "(Worst quality:1.5),\nB&W,",
                "size": "512x512",
                "seed": 1043062365,
            },
        ),
        (
            "iib662_inline_template",
            *("a1111", ""),
            {
                "prompt": "Silhouette Art, hyperrealistic art",
                "negative_prompt": "low quality",
                "seed": 387840411,
            },
        ),
        (
            "neg_in_prompt",
            *("a1111", "sd15"),
            {
                "prompt": "a poster that says\nNegative prompt: engineering",
                "negative_prompt": "blurry",
                "size": "512x512",
                "seed": 42,
            },
        ),
        (
            "comfy_dualcfg",
            *("comfyui", "cosxl_edit.safetensors"),
            {
                "prompt": "snow at sunset oil painting",
                "negative_prompt": "ugly, watermark",
                "seed": 5,
            },
        ),
        (
            "comfy_flux_two_texts",
            *("comfyui", "m.safetensors"),
            {
                "prompt": "a long description of a red fox in the snow",
                "negative_prompt": "bad",
                "size": "512x512",
                "seed": 7,
            },
        ),
        (
            "comfy_qwen_edit",
            *("comfyui", "m.safetensors"),
            {"prompt": "make it snow", "negative_prompt": "bad"}
            | {"size": "512x512", "seed": 7},
        ),
        (
            "comfy_nan",
            *("comfyui", "m.safetensors"),
            {"prompt": "a red fox", "negative_prompt": "bad"}
            | {"size": "512x512", "seed": 7},
        ),
        (
            "comfy_negseed",
            *("comfyui", "m.safetensors"),
            {"prompt": "a red fox", "negative_prompt": "bad", "size": "512x512"},
        ),
        (
            "fooocus",
            *("fooocus", "juggernautXL_v8"),
            FOX | {"size": "1152x896", "seed": 8472},
        ),
        (
            "fooocus_a1111",
            *("fooocus", "juggernautXL_v8"),
            FOX | {"size": "1152x896", "seed": 8472},
        ),
        ("invoke", "invokeai", "sdxl-base", FOX | {"size": "1024x1024", "seed": 77}),
        (
            "swarm",
            *("swarmui", "OfficialStableDiffusion/sd_xl_base_1.0"),
            {"prompt": "a fox in snow", "negative_prompt": "blurry"}
            | {"size": "1024x1024", "seed": 1234},
        ),
        (
            "novelai",
            *("novelai", "NovelAI Diffusion V4.5"),
            {"prompt": "1girl, fox ears", "negative_prompt": "lowres"}
            | {"size": "832x1216", "seed": 4043126893},
        ),
        (
            "midjourney",
            *("midjourney", "Midjourney v6.1"),
            {"prompt": "a red fox in the snow", "aspect_ratio": "16:9"},
        ),
        (
            "stealth_alpha",
            *("a1111", "secretmodel"),
            {"prompt": "a secret fox", "negative_prompt": "bad"}
            | {"size": "64x64", "seed": 42},
        ),
    ],
)
def test_a_case_is_read_as_it_was_meant(
    name: str, source: str, model: str, values: Values
) -> None:
    found = read(CASES / f"{name}.png")
    assert found
    assert (found.source, found.model, found.values) == (source, model, values)


def told(folder: Path, **texts: str) -> Recipe | None:
    """What a PNG with these texts says."""
    info = PngInfo()
    for name, text in texts.items():
        info.add_itxt(name.replace("__", ":"), text)
    path = folder / "told.png"
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return read(path)


# ---- A1111, Forge and others of their kind


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ('Lora hashes: "a: 12, b: 34"', "Lora hashes", "a: 12, b: 34"),
        (r'Hires prompt: "x, \"y\": z\nw"', "Hires prompt", 'x, "y": z\nw'),
        ('Hashes: {"model": "ab", "lora:x": "cd"}', "Hashes", None),
        ('Civitai resources: [{"a":"b","c":1},{"d":"}, E: 1"}]', None, None),
        ("Tiled Diffusion: {'Method': 'Mix', 'Width': 96}", None, None),
        ("Sampler: DPM++ 2M, Karras", "Sampler", "DPM++ 2M, Karras"),
        ("Distilled CFG Scale: 3.5", "Distilled CFG Scale", "3.5"),
        ('Broken: "a, b', "Broken", '"a, b'),
        ("Open: {a, b", "Open", "{a, b"),
        ('Note: "a" and "b", c', "Note", '"a" and "b", c'),
    ],
)
def test_no_value_ends_at_its_first_comma(
    line: str, name: str | None, value: str | None, tmp_path: Path
) -> None:
    name = name or line.partition(":")[0]
    value = value or line.partition(": ")[2]
    text = f"a fox\nSteps: 20, {line}, Seed: 5, Size: 64x32"
    found = told(tmp_path, parameters=text)
    assert found
    assert found.other == {"Steps": "20", name: value}
    assert found.values == {"prompt": "a fox", "size": "64x32", "seed": 5}


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        ("Steps: up the hill\nSteps: 20, Seed: 1", "Steps: up the hill", None),
        ("a\rNegative prompt: b\rSteps: 20, Seed: 1", "a", "b"),
        ("a, Negative prompt: b\nSteps: 20, Seed: 1", None, None),
        ("a Negative prompt: b Steps: 20, Seed: 1", None, None),
        ("a\n \tNegative prompt: b\nSteps: 20, Seed: 1", "a", "b"),
        ("a\n\u200bNegative prompt: b\nSteps: 20, Seed: 1", "a", "b"),
        ("a\nnegative prompt : b\nSteps: 20, Seed: 1", "a", "b"),
        ("a\nNegative Prompt\uff1ab\nSteps: 20, Seed: 1", "a", "b"),
        ("a\vNegative prompt: b\vSteps: 20, Seed: 1", "a", "b"),
        ("a\x85Negative prompt: b\u2028Steps: 20, Seed: 1", "a", "b"),
        ("a\nNegative prompt: b, Steps: 20, Seed: 1", "a", "b"),
        (
            'a\nNegative prompt: b\nSteps: 20, Seed: 1, Hires prompt: "c\nNegative'
            ' prompt: d\nSteps: 3, Seed: 8", Version: v1',
            *("a", "b"),
        ),
        ("a\n-b\nSteps: 20, Guidance Scale: 4.5, Seed: 1", "a", "b"),
        ("- a\n- c\n-b\nSteps: 20, Guidance Scale: 4.5, Seed: 1", None, None),
        ("a\n-b\nSteps: 20, CFG scale: 4.5, Seed: 1", "a\n-b", None),
        ("Negative prompt: Steps: 20, Seed: 1", None, None),
        ("a\nNegative prompt: b\nc\nSteps: 20,Sampler:Euler a,Seed:1", "a", "b\nc"),
        ("a\nSteps: 20, Seed: 1\nTemplate: x\nNegative prompt: y", "a", None),
        ("a\nSteps: 20, Seed: 1, [odd name]: 2", "a", None),
        ("a\nSteps: 20, Seed: 1\nTemplate: x\nSteps: 3, 2, 1\ny", "a", None),
        ("a\nSteps: 20, Seed: 1, Template: {a|b},\nNegative Template: c, d", "a", None),
    ],
)
def test_what_follows_the_last_steps_is_no_prompt(
    text: str, prompt: str | None, negative: str | None, tmp_path: Path
) -> None:
    found = told(tmp_path, parameters=text)
    assert found
    assert found.values.get("prompt") == prompt
    assert found.values.get("negative_prompt") == negative
    assert found.values["seed"] == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a, negative prompt: b", "no prompt is filled in"),
        ("a\nnegative prompt: b", "check both prompts"),
        ("a, Negative prompt: b\nNegative prompt: c", "the last of them was used"),
    ],
)
def test_an_unsure_mark_of_the_negative_prompt_is_said(
    text: str, says: str, tmp_path: Path
) -> None:
    found = told(tmp_path, parameters=f"{text}\nSteps: 20, Seed: 1")
    assert found
    assert says in found.note


def test_words_that_look_like_pairs_are_no_settings(tmp_path: Path) -> None:
    text = "style: anime, mood: dark, Seed: 5, Size: big, Model: Naomi"
    assert told(tmp_path, parameters=text) is None


def test_it_is_said_if_a_prompt_could_be_split_at_several_places() -> None:
    found = read(CASES / "neg_in_prompt.png")
    assert found
    assert "the last of them was used" in found.note


# ---- ComfyUI


def comfy(**changes: dict[str, Any]) -> str:
    """A graph whose sampler has its prompts from the nodes `pos` and `neg`."""
    graph: dict[str, Any] = {
        "s": {
            "class_type": "KSampler",
            "inputs": {
                "seed": 7,
                "model": ["m", 0],
                "positive": ["pos", 0],
                "negative": ["neg", 0],
                "latent_image": ["l", 0],
            },
        },
        "m": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux"}},
        "l": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 32}},
        "pos": {"class_type": "CLIPTextEncode", "inputs": {"text": ["t", 0]}},
        "neg": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad"}},
    }
    return json.dumps(graph | changes)


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


@pytest.mark.parametrize(
    ("nodes", "prompt"),
    [
        ({"t": node("PrimitiveStringMultiline", value="a fox")}, "a fox"),
        (
            {
                "t": node(
                    *("StringConcatenate",),
                    string_b="in the snow",
                    delimiter=", ",
                    string_a=["u", 0],
                ),
                "u": node("PrimitiveString", value="a red fox"),
            },
            "a red fox, in the snow",
        ),
        ({"t": node("Text Concatenate", delimiter=" ", text_a="a", text_b="b")}, "a b"),
        (
            {"t": node("ImpactWildcardEncode", wildcard_text="{a|b}")}
            | {"t": node("ImpactWildcard", wildcard_text="x", populated_text="a fox")},
            "a fox",
        ),
        ({"t": node("Reroute", **{"": ["u", 0]}), "u": node("Text", text="x")}, "x"),
        (
            {"t": node("ShowText", text=["u", 0], text_0="old")}
            | {"u": node("PrimitiveString", value="new")},
            "new",
        ),
        (
            {"t": node("Switch", select=2, input1=["u", 0], input2=["v", 0])}
            | {"u": node("PrimitiveString", value="no")}
            | {"v": node("PrimitiveString", value="yes")},
            "yes",
        ),
        (
            {"pos": node("CLIPTextEncodeLumina2", system_prompt="s", user_prompt="u")},
            "u",
        ),
        (
            {"pos": node("Loader (Efficient)", positive="a fox", negative="bad")},
            "a fox",
        ),
        ({"pos": node("CLIPTextEncodeFlux", clip_l="a fox", t5xxl="")}, "a fox"),
        (
            {"pos": node("ReferenceLatent", conditioning=["e", 0], latent=["x", 0])}
            | {"e": node("TextEncodeQwenImageEdit", prompt="edit it")}
            | {"x": node("VAEEncode", text="not me")},
            "edit it",
        ),
    ],
)
def test_a_prompt_that_surely_was_used_is_filled_in(
    nodes: dict[str, Any], prompt: str, tmp_path: Path
) -> None:
    found = told(tmp_path, prompt=comfy(**nodes))
    assert found
    assert (found.values["prompt"], found.note) == (prompt, "")
    assert found.values.get("negative_prompt") == "bad"


@pytest.mark.parametrize(
    ("nodes", "prompt", "says"),
    [
        ({"t": node("StringReplace", string="a", find="a", replace="b")}, "a", "check"),
        (
            {"t": node("Odd", text=["u", 0], x=["u", 0]), "u": node("T", text="a")},
            *("a", "check it"),
        ),
        (
            {"t": node("ShowText", text=["u", 0], text_0="a fox")}
            | {"u": node("OllamaGenerate", prompt="Rewrite this", model="x")},
            *("a fox", "earlier run"),
        ),
        (
            {"pos": node("ConditioningCombine", conditioning_1=["a", 0])}
            | {"a": node("CLIPTextEncode", text="one")},
            *("one", ""),
        ),
        (
            {"pos": node("ConditioningCombine", conditioning_1=["a", 0], c2=["b", 0])}
            | {"a": node("CLIPTextEncode", text="one")}
            | {"b": node("CLIPTextEncode", text="two")},
            *("one", "several prompts"),
        ),
        ({"pos": node("CLIPTextEncodeSDXL", text_g="g", text_l="l")}, "g", "several"),
        (
            {"pos": node("ConditioningCombine", conditioning_1=["x", 0], c2=["b", 0])}
            | {"x": node("ConditioningSetArea", conditioning=["a", 0])}
            | {"a": node("CLIPTextEncode", text="one")}
            | {"b": node("ConditioningSetArea", conditioning=["c", 0])}
            | {"c": node("CLIPTextEncode", text="two")},
            *("one", "several prompts"),
        ),
        (
            {"t": node("StringFunction", text_a="a", text_b="b", result="a, b")},
            *("a, b", "earlier run"),
        ),
    ],
)
def test_what_is_understood_in_part_is_said(
    nodes: dict[str, Any], prompt: str, says: str, tmp_path: Path
) -> None:
    found = told(tmp_path, prompt=comfy(**nodes))
    assert found
    assert found.values["prompt"] == prompt
    assert says in found.note


@pytest.mark.parametrize(
    "writer",
    [
        node("OllamaGenerate", prompt="Rewrite this: a fox", model="x"),
        node("ChatGPT", text="a fox", instruction="Be vivid."),
        node("Custom", system_prompt="You write prompts.", text="a fox"),
        node("Florence2Run", text_input="", image=["i", 0]),
        node("Describer", text="Describe it", image=["i", 0]),
        node("DPRandomGenerator", text="{a|b} fox", seed=1),
        node("Phi3Node", text="You rewrite prompts: fox", top_p=0.9),
        node("GLM4", prompt="Expand: fox"),
        node("Unknown", prompt="Expand: fox", model="k2"),
        node("Unknown", text="Expand: fox", max_length=200),
        node("Unknown", text="Expand: fox", top_k=5),
    ],
)
def test_what_a_language_model_was_told_is_no_prompt(
    writer: dict[str, Any], tmp_path: Path
) -> None:
    found = told(tmp_path, prompt=comfy(t=writer))
    assert found
    assert "prompt" not in found.values
    assert "no prompt is filled in" in found.note
    assert found.values["seed"] == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"pos": node("Guide", negative=["neg", 0])},
        {"pos": node("Guide", neg_cond=["neg", 0], cond2=["neg", 0])},
        {"pos": node("ConditioningZeroOut", conditioning=["neg", 0])},
        {"pos": node("Gone")},
        {"t": node("Pair", negative="bad", style="x")},
        {"t": node("Pair", text_negative=["u", 0]), "u": node("Text", text="bad")},
    ],
)
def test_a_negative_prompt_never_becomes_the_prompt(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    found = told(tmp_path, prompt=comfy(**changes))
    assert not found or "prompt" not in found.values


@pytest.mark.parametrize("order", [["a", "neg"], ["neg", "a"]])
def test_the_negative_prompt_is_none_of_several_prompts(
    order: list[str], tmp_path: Path
) -> None:
    links = {f"in{at}": [name, 0] for at, name in enumerate(order)}
    nodes = {"pos": node("Mixer", **links), "a": node("CLIPTextEncode", text="a fox")}
    found = told(tmp_path, prompt=comfy(**nodes))
    assert found
    assert found.values["prompt"] == "a fox"
    assert "prompt 2" not in found.other


def test_a_switch_gives_the_prompt_that_was_chosen(tmp_path: Path) -> None:
    graph = comfy(
        pos=node("ConditioningSwitch", select=2, input1=["a", 0], input2=["b", 0]),
        a=node("CLIPTextEncode", text="one"),
        b=node("CLIPTextEncode", text="two"),
    )
    found = told(tmp_path, prompt=graph)
    assert found
    assert (found.values["prompt"], found.note) == ("two", "")


SHOWN = {
    "x": node("KSampler", seed=9, positive=["p2", 0], latent_image=["l", 0]),
    "p2": node("CLIPTextEncode", text="only tried"),
    "shown": node("PreviewImage", images=["x", 0]),
}
SAVED = {"saved": node("SaveImage", images=["s", 0]), "t": node("Text", text="a fox")}
REFINED = {
    "x": node("KSampler", seed=0, positive=["p2", 0], latent_image=["s", 0]),
    "p2": node("CLIPTextEncode", text="refined"),
    "saved": node("SaveImage", images=["x", 0]),
    "t": node("Text", text="a fox"),
}


@pytest.mark.parametrize("others", [SHOWN | SAVED, REFINED])
def test_of_several_samplers_the_first_of_the_saved_picture_counts(
    others: dict[str, Any], tmp_path: Path
) -> None:
    graph = others | json.loads(comfy(t=others["t"]))
    found = told(tmp_path, prompt=json.dumps(graph))
    assert found
    assert (found.values["prompt"], found.values["seed"]) == ("a fox", 7)
    assert "several samplers" in found.note


def test_settings_in_nodes_of_their_own_are_read(tmp_path: Path) -> None:
    graph = {
        "s": node(
            *("SamplerCustomAdvanced",),
            noise=["n", 0],
            guider=["g", 0],
            sampler=["k", 0],
            sigmas=["b", 0],
            latent_image=["l", 0],
        ),
        "n": node("RandomNoise", noise_seed=5),
        "g": node("BasicGuider", model=["m", 0], conditioning=["f", 0]),
        "f": node("FluxGuidance", guidance=3.5, conditioning=["p", 0]),
        "p": node("CLIPTextEncode", text="a fox"),
        "k": node("KSamplerSelect", sampler_name="euler"),
        "b": node("BasicScheduler", scheduler="simple", steps=20, model=["m", 0]),
        "m": node("Loader", ckpt_name={"content": "flux"}),
        "l": node("Size", resolution="832 x 1216"),
    }
    found = told(tmp_path, prompt=json.dumps(graph))
    assert found
    assert found.model == "flux"
    assert found.values == {"prompt": "a fox", "size": "832x1216", "seed": 5}
    assert found.other == {
        "steps": "20",
        "sampler_name": "euler",
        "scheduler": "simple",
        "guidance": "3.5",
    }


def test_a_prompt_in_the_sampler_is_not_the_model(tmp_path: Path) -> None:
    graph = {"s": node("Simple", positive="a fox", negative="bad", latent_image=0)}
    found = told(tmp_path, prompt=json.dumps(graph))
    assert found
    assert (found.model, found.values) == ("", FOX)


def test_what_is_readable_beside_an_unknown_prompt_is_told(tmp_path: Path) -> None:
    found = told(tmp_path, prompt=comfy(pos=node("Unknown")))
    assert found
    assert found.model == "flux"
    assert found.values == {"negative_prompt": "bad", "size": "64x32", "seed": 7}
    assert "no prompt is filled in" in found.note


def test_a_node_of_a_service_is_read(tmp_path: Path) -> None:
    graph = {
        "1": node("FluxProNode", prompt="a fox", seed=5, size="64x32"),
        "2": node("SaveImage", images=["1", 0]),
    }
    found = told(tmp_path, prompt=json.dumps(graph))
    assert found
    assert found.values == {"prompt": "a fox", "seed": 5, "size": "64x32"}
    assert "check the prompt" in found.note


@pytest.mark.parametrize("first", ["negative", "positive"])
@pytest.mark.parametrize("name", ["text_{}", "{}_prompt", "{}"])
@pytest.mark.parametrize("linked", [True, False])
def test_a_node_of_both_texts_gives_each_to_its_own_prompt(
    first: str, name: str, linked: bool, tmp_path: Path
) -> None:
    ways = ["negative", "positive"] if first == "negative" else ["positive", "negative"]
    texts: dict[str, Any] = {"positive": "a fox", "negative": "bad"}
    if linked:
        texts = {way: [way, 0] for way in texts}
    graph = comfy(
        pos=node("CLIPTextEncode", text=["both", 0]),
        neg=node("CLIPTextEncode", text=["both", 1]),
        both=node("Pair", **{name.format(way): texts[way] for way in ways}, style="x"),
        positive=node("Text", text="a fox"),
        negative=node("Text", text="bad"),
    )
    found = told(tmp_path, prompt=graph)
    assert found
    assert (found.values["prompt"], found.values["negative_prompt"]) == ("a fox", "bad")
    assert "check it" in found.note


def test_an_emptied_conditioning_is_no_negative_prompt(tmp_path: Path) -> None:
    graph = comfy(
        t=node("PrimitiveString", value="a fox"),
        neg=node("ConditioningZeroOut", conditioning=["other", 0]),
        other=node("CLIPTextEncode", text="another"),
    )
    found = told(tmp_path, prompt=graph)
    assert found
    assert found.values == {"prompt": "a fox", "size": "64x32", "seed": 7}


def test_prompts_of_one_text_node_for_both_are_read(tmp_path: Path) -> None:
    graph = {
        "s": node("WanVideoSampler", seed=3, text_embeds=["t", 0], model=["m", 0]),
        "t": node("WanVideoTextEncode", positive_prompt="a fox", negative_prompt="bad"),
        "m": node("WanVideoModelLoader", model="wan.safetensors"),
    }
    found = told(tmp_path, prompt=json.dumps(graph))
    assert found
    assert found.model == "wan.safetensors"
    assert found.values == {"prompt": "a fox", "negative_prompt": "bad", "seed": 3}


@pytest.mark.parametrize("kind", ["StringConcatenate", "Odd"])
def test_a_graph_that_grows_without_end_is_given_up(kind: str, tmp_path: Path) -> None:
    nodes = {
        "t" if not at else f"t{at}": node(
            kind, string_a=[f"t{at + 1}", 0], string_b=[f"t{at + 1}", 0]
        )
        for at in range(30)
    }
    nodes["t30"] = node("PrimitiveString", value="a fox " * 500)
    found = told(tmp_path, prompt=comfy(**nodes))
    assert not found or len(str(found.values.get("prompt", ""))) <= 20_000


def test_texts_that_lead_to_themselves_hide_nothing_else(tmp_path: Path) -> None:
    nodes = {"t": node("StringConcatenate", string_a=["t", 0], string_b=["t", 0])}
    found = told(tmp_path, prompt=comfy(**nodes))
    assert found
    assert found.values == {"negative_prompt": "bad", "size": "64x32", "seed": 7}
    assert "no prompt is filled in" in found.note


def test_many_samplers_without_a_prompt_hide_none(monkeypatch: Any) -> None:
    monkeypatch.setattr(node_graph, "_MOST_STEPS", 24_000)
    links = {f"x{at}": [str(at), 0] for at in range(1_000)}
    graph = {"guide": node("", **links)} | {
        str(at): node("", positive=["guide", 0], latent_image=0) for at in range(1_000)
    }
    graph["last"] = node("", positive=["t", 0], latent_image=0)
    graph["t"] = node("", text="a fox")
    found = comfyui.from_comfyui({"prompt": json.dumps(graph)})
    assert found
    assert found.values["prompt"] == "a fox"


# ---- others


NOVELAI = {
    "prompt": "a fox",
    "uc": "bad",
    "seed": 5,
    "width": 64,
    "height": 32,
    "v4_prompt": {"caption": {"char_captions": [{"char_caption": "red"}]}},
}
DRAWTHINGS = {"c": "a fox", "uc": "bad", "seed": 5, "size": "64x32", "model": "m"}
READ = FOX | {"seed": 5, "size": "64x32"}
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="">%s</rdf:Description></rdf:RDF></x:xmpmeta>'
)


@pytest.mark.parametrize(
    ("texts", "source"),
    [
        ({"Comment": json.dumps(NOVELAI)}, "novelai"),
        ({"Comment": json.dumps({"Comment": json.dumps(NOVELAI)})}, "novelai"),
        (
            {
                "XML__com.adobe.xmp": XMP
                % (
                    '<exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">'
                    + json.dumps(DRAWTHINGS).replace('"', "&quot;")
                    + "</rdf:li></rdf:Alt></exif:UserComment>"
                )
            },
            "drawthings",
        ),
        (
            {
                "parameters": json.dumps(
                    {
                        "Prompt": "a fox",
                        "Negative Prompt": "bad",
                        "Resolution": "(64, 32)",
                        "Base Model": "x.safetensors",
                        "Seed": 5,
                    }
                )
            },
            "fooocus",
        ),
        (
            {
                "sd-metadata": json.dumps(
                    {
                        "model_weights": "sd15",
                        "image": {
                            "prompt": [{"prompt": "a fox [bad]", "weight": 1}],
                            "seed": 5,
                            "width": 64,
                            "height": 32,
                        },
                    }
                )
            },
            "invokeai",
        ),
        (
            {"Comment": "a fox\nNegative prompt: bad\nSteps: 1, Seed: 5, Size: 64x32"},
            "a1111",
        ),
    ],
)
def test_other_places_and_older_forms_are_read(
    texts: dict[str, str], source: str, tmp_path: Path
) -> None:
    found = told(tmp_path, **texts)
    assert found
    assert (found.source, found.values) == (source, READ)


def test_prompts_of_characters_are_listed_and_said(tmp_path: Path) -> None:
    found = told(tmp_path, Comment=json.dumps(NOVELAI))
    assert found
    assert found.other["character 1"] == "red"
    assert "only the base prompt" in found.note


@pytest.mark.parametrize(
    ("text", "values", "model"),
    [
        (
            "a fox --no cats --no dogs --seed 5 --niji 6 Job ID: 1f",
            {"prompt": "a fox", "negative_prompt": "cats, dogs", "seed": 5},
            "Midjourney niji 6",
        ),
        (
            "a fox—red —ar 3:2 Job ID: 1f",
            {"prompt": "a fox—red", "aspect_ratio": "3:2"},
            "",
        ),
        ("a well-known fox Job ID: 1f", {"prompt": "a well-known fox"}, ""),
    ],
)
def test_midjourneys_switches_are_no_prompt(
    text: str, values: Values, model: str, tmp_path: Path
) -> None:
    found = told(tmp_path, Description=text)
    assert found
    assert (found.source, found.values, found.model) == ("midjourney", values, model)


def test_a_plain_description_is_no_recipe(tmp_path: Path) -> None:
    assert told(tmp_path, Description="A fox -- seen from above --no doubt") is None


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        ({"invokeai_metadata": {"loras": [{"a": 1}], "positive_prompt": "x"}}, "loras"),
        (
            {"parameters": {"sui_image_params": {"prompt": "x", "loras": ["a"]}}},
            "loras",
        ),
        (
            {"parameters": {"base_model": "m", "prompt": "x", "full_prompt": ["a"]}},
            "full_prompt",
        ),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lists_are_listed(
    texts: dict[str, Any], name: str, mark: str, tmp_path: Path
) -> None:
    told_texts = {each: mark + json.dumps(text) for each, text in texts.items()}
    found = told(tmp_path, **told_texts)
    assert found
    assert found.values["prompt"] == "x"
    assert found.other[name].startswith("[")


def test_a_prompt_that_is_cut_is_said(tmp_path: Path) -> None:
    facts = {"positive_prompt": "word " * 5_000}
    found = told(tmp_path, invokeai_metadata=json.dumps(facts))
    assert found
    assert "its end is left out" in found.note


def test_a_graph_in_a_comment_is_read(tmp_path: Path) -> None:
    graph = comfy(t=node("Text", text="a fox"), extra={"extra": 1}, extraMetadata={})
    for text in (graph, f'{{"prompt": {graph}, "workflow": {{}}}}'):
        found = told(tmp_path, UserComment=text)
        assert found
        assert found.values["prompt"] == "a fox"


def test_a_size_is_told_without_spaces(tmp_path: Path) -> None:
    found = told(tmp_path, parameters="a\nSteps: 1, Seed: 5, Size: 512 x 768")
    assert found
    assert found.values["size"] == "512x768"


@pytest.mark.parametrize("seed", [-1, "-1", -5, True, 1.5, "x", None, 10**30])
def test_a_seed_below_zero_is_none(seed: Any, tmp_path: Path) -> None:
    facts = {"positive_prompt": "a fox", "seed": seed}
    found = told(tmp_path, invokeai_metadata=json.dumps(facts))
    assert found
    assert found.values == {"prompt": "a fox"}


@pytest.mark.parametrize("seed", [-1, 10**25])
def test_a_seed_of_our_own_format_is_checked_too(seed: int) -> None:
    facts = EmbeddedRecipe(action="a", model="m", values={"prompt": "x", "seed": seed})
    assert recipe_of_facts(facts).values == {"prompt": "x"}


def test_what_is_no_number_is_not_told(tmp_path: Path) -> None:
    graph = json.loads(comfy(t=node("Text", text="a fox")))
    graph["s"]["inputs"]["cfg"] = float("nan")
    found = told(tmp_path, prompt=json.dumps(graph))
    assert found
    assert found.other == {}


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    "place",
    ["comment in the main directory", "with a code", "of XMP", "of a segment"],
)
def test_every_carrier_is_read(kind: str, place: str, tmp_path: Path) -> None:
    text = "a fox\nNegative prompt: bad\nSteps: 1, Seed: 5, Size: 64x32"
    tags = Image.Exif()
    options: dict[str, Any] = {}
    if place == "comment in the main directory":
        tags[0x9286] = text
    elif place == "with a code":
        tags.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16")
    elif place == "of XMP":
        element = f"<dc:description><rdf:li>{text}</rdf:li></dc:description>"
        options["xmp"] = (XMP % element).encode()
    elif kind == "JPEG":
        options["comment"] = text.encode()
    else:
        pytest.skip("WebP has no such segment")
    path = tmp_path / "told"
    Image.new("RGB", (8, 8)).save(path, kind, exif=tags, **options)
    found = read(path)
    assert found
    assert found.values == READ


@pytest.mark.parametrize(
    "name",
    ["parameters", "Comment", "invokeai_metadata", "sd-metadata", "prompt"],
)
@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 50_000,
        '{"Comment": ' + json.dumps('{"Comment": "{}"}') + "}",
        '{"prompt": {"uc": []}, "uc": [[]], "image": 5, "model": [], "c": {}}',
        '{"v4_prompt": {"caption": 5}, "prompt": "a"}',
        "a\nSteps: 1" + ", a: {" * 15_000,
        "a\nSteps: 1" + ', a: "' * 15_000,
        "a\nSteps: 1," + " \n" * 45_000,
        "Steps: 1\n" * 11_000,
        "Negative prompt:\n" * 6_000,
        '{"1": {"inputs": {"text": "' + "x" * 50_000 + '"}}}',
        json.dumps({"image": {"prompt": " " * 200_000}}),
        "Steps: 1, Seed: 1" + ': "' * 40_000 + "\nSteps: 1, Seed: 1" * 500,
    ],
    ids=range(12),
)
def test_odd_texts_take_little_and_hurt_nobody(
    name: str, text: str, tmp_path: Path
) -> None:
    found = told(tmp_path, **{name: text})
    assert not found or len(found.other) <= 200
