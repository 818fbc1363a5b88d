"""Fold text so that spellings of one word meet: width, case, accents, marks, traditional characters.

Word lists and prompts go through the same folding. `lowered` keeps accents, by which languages are told apart; `bare`
then changes letters one for one, so that positions stay.
"""

from __future__ import annotations

import re
import unicodedata

# Characters that are not seen, or that only point letters: controls, zero width, direction, soft hyphen, tatweel,
# Arabic and Hebrew vowel points, the nukta, variation selectors, tags. Line ends and tabs stay.
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u093c\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufffb\U000e0000-\U000e0fff]+"
)
# A character with the marks that follow it, or the letters of one Korean syllable: what NFKC may join.
_CLUSTER = re.compile("[\u1100-\u11ff]+|.[\u0300-\u036f\u0900-\u0903\u3099\u309a\uff9e\uff9f]*", re.DOTALL)
_DOTTED = str.maketrans({"İ": "i"})
# Latin and Greek letters without their marks, and letters that are written either way.
_BARE = {
    ord(letter): plain
    for plain, letters in {
        "a": "àáâãäåāăąǎ",
        "c": "çćĉċč",
        "d": "ďđ",
        "e": "èéêëēĕėęěẽ",
        "g": "ĝğġģ",
        "h": "ĥħ",
        "i": "ìíîïĩīĭįıǐ",
        "j": "ĵ",
        "k": "ķ",
        "l": "ĺļľŀł",
        "n": "ñńņňŉ",
        "o": "òóôõöøōŏőǒ",
        "r": "ŕŗř",
        "s": "śŝşšș",
        "t": "ţťŧț",
        "u": "ùúûüũūŭůűųǔ",
        "w": "ŵ",
        "y": "ýÿŷ",
        "z": "źżž",
        "α": "ά",
        "ε": "έ",
        "η": "ή",
        "ι": "ίϊΐ",
        "ο": "ό",
        "υ": "ύϋΰ",
        "ω": "ώ",
        "е": "ёѐ",
        "ا": "أإآٱ",
        "ي": "ىیئ",
        "و": "ؤ",
        "ه": "ةۀ",
        "ك": "ک",
        "ं": "ँ",
    }.items()
    for letter in letters
}
# The traditional characters that prompts use most, and their simplified forms.
_TRADITIONAL = (
    "鏡镜頭头遠远攝摄機机動动轉转圍围繞绕緩缓緊紧鳥鸟視视見见觀观飛飞運运無无聲声說说話话語语畫画幀帧橫横豎竖長长寬宽"
    "寫写車车馬马魚鱼龍龙貓猫貝贝風风雲云電电門门開开關关燈灯紅红綠绿藍蓝黃黄銀银鐵铁鋼钢銅铜樹树葉叶圖图國国園园場场"
    "東东樓楼橋桥陽阳陰阴雙双單单個个們们這这裡里裏里後后從从來来對对時时間间過过進进還还邊边遊游戲戏戰战鬥斗擊击殺杀"
    "劍剑槍枪彈弹體体臉脸髮发髪发顏颜淚泪愛爱戀恋憂忧傷伤樂乐歡欢興兴奮奋靜静靈灵夢梦麗丽顯显現现變变換换傳传統统經经"
    "師师學学習习書书報报紙纸筆笔張张條条塊块隻只雞鸡鴨鸭鵝鹅豬猪獅狮獸兽蟲虫龜龟鯨鲸鯊鲨蝦虾麵面飯饭湯汤鍋锅盤盘餅饼"
    "鹽盐廚厨醫医護护衛卫農农漁渔獵猎軍军隊队員员將将騎骑艦舰島岛灘滩濱滨嶺岭嶽岳巖岩廟庙廣广塵尘霧雾煙烟熱热凍冻濕湿"
    "乾干潔洁華华貴贵貧贫窮穷買买賣卖錢钱幣币資资產产業业職职務务廠厂礦矿鑽钻鑲镶鏈链鎖锁鑰钥鐘钟錶表點点線线圓圆環环"
    "層层級级極极標标準准確确認认識识記记錄录響响劇剧聽听讀读讓让請请謝谢誰谁論论試试詩诗詞词課课談谈調调諸诸謎谜譯译"
    "議议豐丰賽赛贏赢輸输軌轨輕轻載载輛辆輪轮軟软較较達达遞递遷迁選选適适遲迟鄉乡鄰邻釋释針针釣钓鈴铃鉛铅錯错鍵键鎮镇"
    "閃闪閉闭閱阅闊阔際际陸陆險险隨随雜杂離离難难韓韩韻韵頂顶項项順顺須须預预頓顿領领頻频題题額额願愿類类顧顾飄飘餓饿"
    "館馆駕驾駛驶駱骆騙骗驅驱驚惊驗验髒脏鬧闹鮮鲜鴿鸽鷹鹰鶴鹤麥麦黨党齊齐齒齿龐庞與与專专嚴严喪丧丟丢並并亞亚億亿僅仅"
    "價价優优會会偉伟側侧偵侦備备傘伞儀仪兒儿內内兩两凱凯劃划創创勁劲勝胜勞劳勢势勵励區区協协廳厅歷历厭厌參参發发號号"
    "嘆叹囑嘱團团堅坚壞坏壓压壯壮夠够夾夹奪夺婦妇媽妈孫孙寧宁寶宝實实審审屆届屬属崗岗嶄崭帶带幫帮幹干庫库應应廢废彎弯"
    "彙汇徑径復复徵征憐怜懷怀懸悬戶户擁拥擇择擋挡擔担據据擺摆攤摊敵敌數数斷断舊旧暈晕暫暂曬晒楊杨榮荣構构樣样檢检櫃柜"
    "權权歐欧殘残氣气漢汉溝沟滅灭滿满漲涨濃浓濤涛灣湾爐炉爛烂爭争爺爷牆墙狀状獨独獎奖瑪玛瓊琼瘋疯療疗皚皑盡尽監监眾众"
    "睏困礎础禮礼禪禅穩稳窩窝競竞籃篮紀纪純纯紗纱組组細细終终絲丝絕绝給给絡络維维網网緒绪編编練练縣县縮缩繩绳繪绘繼继"
    "續续纖纤罰罚聖圣聞闻聯联肅肃腦脑腳脚腫肿臺台艙舱藝艺節节蕩荡薩萨蘇苏蘭兰蘋苹虛虚補补裝装褲裤襯衬襲袭覺觉覽览訂订"
    "計计訊讯討讨訓训訪访設设許许訴诉評评詢询該该詳详誇夸誌志誤误誘诱諾诺謊谎證证"
)
_SIMPLIFIED = str.maketrans(_TRADITIONAL[::2], _TRADITIONAL[1::2])
# More traditional characters and Japanese forms, with the simplified ones, for texts that are held against Chinese.
_VARIANTS = (
    "豔艳艷艳質质態态醜丑餘余毀毁雑杂亂乱圧压図图絵绘暁晓気气広广楽乐県县駅驿鉄铁斎斋竜龙滝泷沢泽浜滨渋涩焼烧獣兽猟猎穏稳窓窗粛肃経经継继続续総总緑绿縁缘縄绳繊纤聴听脳脑臓脏芸艺荘庄薬药蔵藏蛍萤覚觉観观訳译証证読读変变豊丰賛赞"
    "転转軽轻辺边逓递遅迟郷乡酔醉醸酿釈释録录銭钱鋭锐錬炼闘斗陥陷険险雰氛霊灵頬颊顔颜顕显駆驱騒骚験验髄髓鶏鸡麺面黒黑歯齿戦战戯戏払拂抜拔拡扩択择掲揭撃击摂摄斉齐晩晚暦历歓欢歩步歳岁毎每氷冰涙泪渓溪満满済济営营厳严収收団团囲围"
    "塩盐壊坏壌壤壱一売卖奨奖嬢娘実实寛宽対对専专導导巣巢帯带帰归庁厅弾弹強强従从徳德応应悪恶恵惠悩恼懐怀挙举稲稻穀谷竈灶織织羅罗"
)
_ONE_SIGN = {**_SIMPLIFIED, **str.maketrans(_VARIANTS[::2], _VARIANTS[1::2])}


def lowered(text: str) -> tuple[str, list[int] | None]:
    """Return ``text`` in NFKC and lower case without unseen characters, and where each character comes from.

    Returns:
        the text, and for each of its characters the position in ``text``; None where both are the same.
    """
    if text.isascii() and not UNSEEN.search(text):
        return text.lower(), None
    folded = text.translate(_DOTTED).casefold()
    if len(folded) == len(text) and not UNSEEN.search(text) and unicodedata.is_normalized("NFKC", folded):
        return folded, None
    pieces: list[str] = []
    positions: list[int] = []
    for cluster in _CLUSTER.finditer(text):
        seen = UNSEEN.sub("", cluster[0])
        if not seen:
            continue
        joined = unicodedata.normalize("NFKC", seen).translate(_DOTTED).casefold()
        piece = UNSEEN.sub("", unicodedata.normalize("NFKC", joined))
        pieces.append(piece)
        positions.extend([cluster.start()] * len(piece))
    return "".join(pieces), positions


def bare(text: str, language: str = "") -> str:
    """Return lowered text without accents, letter for letter; Vietnamese keeps them, Chinese becomes simplified."""
    if text.isascii() or language == "vi":
        return text
    return text.translate(_SIMPLIFIED if language == "zh" else _BARE)


def fold(text: str, language: str = "") -> str:
    """Return an entry of a word list as it stands in `Reading.text` of a prompt in that language."""
    if text.isascii():
        return bare(lowered(text)[0], language)
    joined = unicodedata.normalize("NFKC", UNSEEN.sub("", text)).translate(_DOTTED).casefold()
    return bare(UNSEEN.sub("", unicodedata.normalize("NFKC", joined)), language)


def alike(text: str, language: str = "") -> str:
    """Return folded text in which traditional Chinese and Japanese signs are the simplified ones too."""
    return fold(text, language).translate(_ONE_SIGN)
