"""What a prompt asks for is neither contradicted by additions nor forbidden by a negative prompt."""

from __future__ import annotations

import pytest

from comfy_headless.ai.additions import WORDS_OF_PARTS
from comfy_headless.ai.analyzing import analyze_prompt
from comfy_headless.ai.asked import asked_in, spoken_of
from comfy_headless.ai.enhancing import enhance
from comfy_headless.ai.target import target_of
from comfy_headless.ai.tokens import count_bound

AGAINST = {
    "motion": """
        stop motion of a clay figure | claymation dog | a zombie twitches in a corridor | paused video of a runner
        a glitchy hologram of a woman | an old robot waves | an explosion destroys a bridge | a QR code on white
        eine Marionette tanzt | ein Roboter zuckt | un zombie boite | un títere saluda | 机器人跳舞
        定格动画，小熊
        ストップモーションの熊 | ゾンビが歩く | марионетка машет рукой | 좀비가 걷는다 | un robot danza a scatti
        zombie w korytarzu | bir kukla dans ediyor | een marionet | दो योद्धाओं का युद्ध | روبوت يمشي
        um zumbi na rua
        памʼятник застиг у парку | eine Frau steht regungslos
    """,
    "shot": """
        a distant ship on the horizon | a tiny figure in a vast desert | head to toe, a bride | a map of Europe
        macro of an ant | over the shoulder of a clerk | a freight train crosses the desert
        a cup seen from above
        ein fernes Schiff am Horizont | ein Zug überquert die Alpen | un navire au loin | un barco lejano
        远处的一艘船 | 地平線の船 | корабль вдали | una nave lontana | een schip in de verte | statek w oddali
        uzakta bir gemi | سفينة بعيدة | दूर एक जहाज | 멀리 있는 배 | um navio distante | корабель удалині
        eine Ameise als Makro | gros yeux d'un chat | 真上から見た机 | a webcam stream of a birdhouse
    """,
    "camera": """
        a security cam, a thief | webcam video of a man talking | screen recording of a website | a pie chart
        cinemagraph of a coffee cup | slideshow of old photos | x-ray of a hand
        split screen: left a cat, right a dog
        a video call with grandma | selfie video of a hiker | a desk, flat lay | dashcam footage of a highway
        Überwachungskamera in einem Flur | Webcam im Vogelhaus | enregistrement d'écran d'un site
        cámara de seguridad de una tienda | 监控画面，小偷 | 防犯カメラの映像、泥棒 | камера видеонаблюдения, вор
        telecamera di sorveglianza | câmera de segurança, um ladrão | bewakingscamera in een gang
        kamera przemysłowa, złodziej | güvenlik kamerası, bir hırsız | كاميرا مراقبة، لص | सीसीटीवी में चोर
        감시 카메라, 도둑 | камера відеоспостереження, злодій | ein Röntgenbild einer Hand
        no camera movement, a man reads
    """,
    "light": """
        underexposed street at 3 am | a pitch-black corridor | a thunderstorm over the prairie | strobe in a club
        an explosion destroys a bridge | the Milky Way above a hut | a welder at work | silhouette of a dancer
        der Raum ist stockdunkel | ein Gewitter über dem Dorf | une cave dans le noir total
        en la oscuridad absoluta
        bailarina bajo la luna llena | 漆黑的洞穴 | 真っ暗な部屋 | кромешная тьма в подвале | una stanza buia
        een pikdonkere kelder | ciemna piwnica | zifiri karanlık bir oda | غرفة مظلمة | अंधेरा कमरा | 캄캄한 방
        um quarto escuro | темний підвал | watercolor village
    """,
    "colour": """
        a colourless world | thermal camera image of a dog | infrared photograph of trees | a duotone poster
        a sepia portrait | negative film look of a car | silhouette of a dancer | neon lights of Tokyo
        a town at sunset
        eine Wärmebildaufnahme eines Hundes | eine farblose Welt | image thermique d'un chien
        imagen térmica de un perro
        热成像里的狗 | 红外照片，树林 | サーモグラフィーの犬 | セピアの肖像 | тепловизор, собака | бесцветный мир
        immagine termica di un cane | imagem térmica de um cão | warmtebeeld van een hond
        obraz z podczerwieni, pies
        termal görüntü, bir köpek | صورة حرارية لكلب | इन्फ्रारेड तस्वीर | 열화상 속의 개 | тепловізор, собака
    """,
    "sound": """
        an explosion destroys a bridge | two boxers fight | a rock band on stage | a baby cries
        a lighthouse in a storm
        deep space without a sound | eine Explosion | ein Gewitter | un concert de rock | una tormenta en el mar
        火山爆发 | 雷の夜 | взрыв на мосту | un'esplosione | uma tempestade | een storm op zee | burza na morzu
        bir patlama | انفجار | विस्फोट | 폭발하는 다리 | вибух на мосту
    """,
    "quality": """
        a foggy field | out of focus lights | pixel art castle | ぼやけた光 | 模糊的背影
        pencil sketch of a horse
    """,
}
"""By part of an addition: prompts that it would contradict."""
TARGETS = [target_of(family) for family in ("ltx2", "wan", "hunyuan15", "z_image")]
"""All that read every language of the prompts."""


@pytest.mark.slow
@pytest.mark.parametrize("part", AGAINST)
def test_additions_contradict_nothing(part: str) -> None:
    """A prompt gains nothing that speaks against it, in any language."""
    wrong = []
    for prompt in prompts(AGAINST[part]):
        analysis = analyze_prompt(prompt)
        for target in TARGETS:
            made = enhance(analysis, target)
            if f"nothing was said of {WORDS_OF_PARTS[part]}" in made.reasoning:
                wrong.append(f"{target.name}: {made.enhanced}")
    assert wrong == []


FORBIDDEN = {
    "风格 作品 画作 画面": """
        a cat in the style of Klimt | a famous work by Monet | art by Banksy | an artist presents her works
        in the style of a Dutch master, a jug | an impressionist garden | ein Garten im Stil von van Gogh
        un jardin impressionniste | un jarrón al estilo de Picasso | 莫奈风格的花园 | 莫奈風格的花園
        一個藝術家的作品
        モネ風の庭 | 北斎の波 | сад в стиле Моне | 고흐 스타일의 정원 | un giardino nello stile di Klimt
        styl Klimta, kobieta
    """,
    "毁容的 残缺的": """
        the disfigured face of a burn victim | a one-armed pirate | un visage défiguré | ein entstelltes Gesicht
        un rostro desfigurado | 毀容的臉 | 傷跡のある歪んだ顔 | изуродованное лицо | 일그러진 얼굴
        un pirata senza un braccio, sfigurato
    """,
    "丑陋的": """
        an ugly duckling | un vilain petit canard | гадкий утёнок плывёт | ein hässliches Entlein | 醜小鴨
        醜いアヒルの子
    """,
    "细节模糊不清": """
        blurry lights | ぼやけた光 | ピンぼけの写真 | 模糊的燈光 | ein verschwommenes Foto
        une photo floue | una foto borrosa
        размытый фон | 흐릿한 불빛
    """,
    "最差质量 低质量": """
        low quality VHS tape | 低品質のビデオ | 低画質の映像 | 低質量的影片 | une vidéo de mauvaise qualité
        ein Video in schlechter Qualität | un video de baja calidad | видео низкого качества
    """,
    "三条腿": """
        a three-legged dog | ein dreibeiniger Hund | un chien à trois pattes | со старой трёхногой собакой
        三條腿的狗 | 三本足の犬 | 세 발 달린 개
    """,
    "静态 静止": """
        a still pond | ein regungsloser Teich | 靜止的湖面 | 静止した湖 | неподвижное озеро | un lac immobile
        un lago inmóvil
    """,
    "色调艳丽": """
        grelle Farben des Holi-Fests | 色調豔麗的花 | 色鮮やかな花 | яркие краски | des couleurs vives
        colores vivos
    """,
    "过曝": """
        an overexposed white room | ein überbelichtetes Zimmer | une pièce surexposée | 過曝的房間
        露出オーバーの部屋
    """,
    "整体发灰": "a grey day | ein grauer Tag | un jour gris | un día gris | 灰濛濛的一天 | 灰色の空 | серый день",
    "字幕": """
        scrolling subtitles | 字幕スクロール | ein Schild mit Schrift | une affiche | титры на экране
        un letrero
    """,
    "背景人很多": """
        a crowd in the background | 背景有人群 | 人混みの中の犬 | толпа на заднем плане | une foule
        una multitud
    """,
    "倒着走": """
        a man walks backwards | 倒退的人 | 後ろ向きに歩く人 | человек идёт задом
        un homme marche à reculons
    """,
    "杂乱的背景": "a cluttered desk | 雜亂的房間 | 散らかった部屋 | беспорядок в комнате | ein Durcheinander",
    "手指融合 多余的手指": """
        six fingers on one hand | sechs Finger | 六根手指 | 六本の指 | шесть пальцев | six doigts
        seis dedos
    """,
}
"""Pieces of Wan's negative prompt: prompts that ask for what they forbid."""
WAN = target_of("wan")


@pytest.mark.parametrize("pieces", FORBIDDEN)
def test_negatives_forbid_nothing_that_is_asked_for(pieces: str) -> None:
    """A piece of a negative prompt goes where a prompt asks for it, in any language and spelling."""
    wrong = []
    for prompt in prompts(FORBIDDEN[pieces]):
        negative = enhance(analyze_prompt(prompt), WAN).negative
        wrong += [f"{prompt}: {piece}" for piece in pieces.split() if piece in negative.split("，")]
    assert set(pieces.split()) <= set(WAN.negative.split("，"))
    assert wrong == []


def test_english_negatives_of_other_languages() -> None:
    """The same of negative prompts in English, accents or not."""
    assert "disfigured" not in enhance(analyze_prompt("un visage défiguré"), target_of("ltxv")).negative
    assert "motion" not in enhance(analyze_prompt("slow shutter motion smear of traffic"), target_of("ltxv")).negative
    assert "low quality" not in enhance(analyze_prompt("低品質のビデオ"), target_of("ltxv")).negative
    modern = enhance(analyze_prompt("現代的なオフィス"), target_of("sdxl"), style="fantasy").negative
    assert "modern" not in modern


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("no people, no text, no blur, an empty hall", {"字幕", "背景人很多", "细节模糊不清"}),
        ("ein leerer Raum ohne Menschen", {"背景人很多"}),
        ("une plaine sans personne", {"背景人很多"}),
        ("一间没有文字的屋子", {"字幕"}),
        ("人のいない、文字なしの部屋", {"字幕"}),
        ("комната без надписей", {"字幕"}),
        ("글자 없는 방", {"字幕"}),
    ],
)
def test_what_is_not_wanted_stays_forbidden(prompt: str, pieces: set[str]) -> None:
    """What a prompt says it does not want is not asked for: the negative prompt goes on forbidding it."""
    made = enhance(analyze_prompt(prompt), target_of("wan"))
    assert pieces <= set(made.negative.split("，"))


def test_a_word_that_the_prompt_has_itself() -> None:
    """No piece has a word of the prompt; where the prompt does not want it, a note tells how to forbid it."""
    made = enhance(analyze_prompt("no text, no watermark: a quiet street"), target_of("sdxl"))
    assert made.negative == ""
    assert made.notes[-1].endswith("leave that out of it, and the negative prompt has it: text, watermark")
    assert enhance(analyze_prompt("a page of text"), target_of("sdxl")).notes == ()


def test_a_denial_speaks_of_what_it_denies() -> None:
    """What is not wanted is not asked for, and an addition that speaks of it is left out all the same."""
    silent = analyze_prompt("a room without any sound")
    assert "heard" in spoken_of(silent)
    assert "heard" not in asked_in(silent)


def test_enough_is_added() -> None:
    """Prompts that leave all open gain what their model's makers ask for: the lists are wide, and not too wide."""
    for prompt in ("a cat", "eine Katze", "un chat", "un gato", "一只猫", "猫", "кошка", "고양이", "bir kedi", "kot"):
        assert len(enhance(analyze_prompt(prompt), target_of("wan")).additions) >= 3, prompt
    for prompt in ("a woman in a red coat", "a dog by a lake", "a teapot", "eine Frau im Garten", "一位老人在公园里"):
        assert len(enhance(analyze_prompt(prompt), target_of("ltx2")).additions) >= 2, prompt


@pytest.mark.parametrize("text", ['a sign, "OPEN', "ein Schild „OFFEN", "看板「営業中", "une enseigne « OUVERT"])
def test_an_open_quotation(text: str) -> None:
    """Behind a mark that was never closed nothing is added: it would be lettering. That is said."""
    made = enhance(analyze_prompt(text), target_of("wan"), style="cinematic")
    assert (made.enhanced, made.additions) == (text, ())
    assert any("a quotation mark is open" in note for note in made.notes)
    assert made.tokens == count_bound(text, "umt5")


def prompts(listed: str) -> list[str]:
    """Return prompts that stand between bars and line ends."""
    return [prompt.strip() for line in listed.splitlines() for prompt in line.split("|") if prompt.strip()]
