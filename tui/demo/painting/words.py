"""What the words of a prompt mean: a kind of scene, its light, its colours and what
else is to be seen.
"""

import re
from random import Random
from typing import NamedTuple, TypeVar

Entry = TypeVar("Entry")

KINDS = {
    "city": (
        "city skyline street town tower building cyberpunk tokyo york ciudad calle 城"
        " 街 都市"
    ),
    "sea": (
        "sea ocean beach wave coast island boat ship sail harbor lighthouse mar playa"
        " faro 海 波 灯台 灯塔 船"
    ),
    "meadow": (
        "meadow flower field garden spring rose tulip poppy flor jardín 花 草原 野原"
    ),
    "forest": "forest tree wood jungle pine bosque árbol 森 林 树 木",
    "mountains": "mountain alps peak valley canyon hill landscape montaña 山",
}
USUAL_LIGHTS = {
    "city": "dusk neon sunset night",
    "sea": "dawn day sunset dusk",
    "meadow": "day dawn sunset",
    "forest": "dawn day mist autumn sunset",
    "mountains": "dawn day sunset dusk mist",
}
LIGHTS = {
    "neon": "neon cyberpunk synthwave vaporwave ネオン 霓虹",
    "night": (
        "night midnight moon moonlight star starry dark aurora noche luna estrella 夜"
        " 月 星空 space planet galaxy nebula cosmos universe espacio 宇宙 太空"
        " 星球 惑星"
    ),
    "sunset": "sunset evening golden atardecer ocaso 夕 日落 黄昏",
    "dawn": "dawn sunrise morning amanecer alba 日出 夜明け 朝 晨",
    "day": "day noon sunny summer día verano 白天 昼 夏",
    "dusk": "dusk twilight crepúsculo 暮",
    "mist": "mist misty fog foggy rain rainy cloudy niebla lluvia 雾 霧 雨",
    "autumn": "autumn fall otoño 秋",
    "winter": "snow snowy winter ice frozen christmas nieve invierno 雪 冬",
}
HUES = {
    22: "red crimson scarlet rojo roja 红 赤",
    55: "orange amber naranja 橙",
    88: "yellow gold amarillo dorado 黄 金色",
    145: "green emerald verde 绿 緑",
    192: "teal turquoise cyan aqua mint 青",
    255: "blue navy azul 蓝 藍",
    300: "purple violet lavender indigo morado 紫",
    352: "pink magenta rosa 粉 桃色",
}
ANIMALS = {  # and people
    "fox": "fox foxes zorro 狐 キツネ",
    "cat": "cat kitten gato gata 猫 ネコ",
    "dog": "dog puppy wolf perro 犬 狗 イヌ",
    "person": (
        "person man woman girl boy people portrait astronaut hiker hombre mujer niña 人"
        " 女孩 少女"
    ),
}
THINGS = {
    "house": "house cabin cottage hut casa cabaña 家 房子 小屋",
    "boat": "boat ship sail sailboat sailing barco velero 船 帆",
    "lighthouse": "lighthouse faro 灯台 灯塔",
    "balloon": "balloon globo 气球 気球",
    "water": "lake water river pond reflection lago agua río 湖 水 川 河",
    "snow": "snow snowy winter nieve invierno 雪 冬",
    "aurora": "aurora borealis 极光 オーロラ",
}


class Motif(NamedTuple):
    """What a picture is to show. Kind and light are always known, by chance if the
    prompt does not say.
    """

    kind: str
    light: str
    hues: list[int]
    animals: list[str]
    things: list[str]


def read_motif(prompt: str, rng: Random) -> Motif:
    prompt = prompt.lower()
    kind = (_mentioned(prompt, KINDS) or [rng.choice(list(KINDS))])[0]
    light = (_mentioned(prompt, LIGHTS) or [rng.choice(USUAL_LIGHTS[kind].split())])[0]
    # The animal's name: nothing else need be red
    hues = _mentioned(prompt.replace("red fox", ""), HUES)
    return Motif(
        kind, light, hues, _mentioned(prompt, ANIMALS), _mentioned(prompt, THINGS)
    )


def _mentioned(prompt: str, words: dict[Entry, str]) -> list[Entry]:
    """The entries that the prompt names by one of their words, in the order of the
    vocabulary.
    """
    return [
        entry
        for entry, synonyms in words.items()
        if any(_named(prompt, word) for word in synonyms.split())
    ]


def _named(prompt: str, word: str) -> bool:
    # A Latin word counts when it stands alone; Chinese and Japanese are written without
    # spaces.
    return (
        bool(re.search(rf"\b{word}s?\b", prompt))
        if word[0] < "\u2e80"
        else word in prompt
    )
