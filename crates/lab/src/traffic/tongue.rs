//! What letters say: subjects and sentences of several languages, put together from words of our own.

use crate::words::Dice;

/// A language that letters are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tongue {
    /// As in Content-Language (RFC 5646).
    pub(super) tag: &'static str,
    /// Subjects; `{n}` becomes a number.
    pub(super) subjects: &'static [&'static str],
    greetings: &'static [&'static str],
    sentences: &'static [&'static str],
    farewells: &'static [&'static str],
    /// What stands between two sentences.
    gap: &'static str,
}

/// All of them; those that come more often stand more often.
const TONGUES: [&Tongue; 9] =
    [&ENGLISH, &ENGLISH, &ENGLISH, &ENGLISH, &CHINESE, &JAPANESE, &KOREAN, &SPANISH, &DUTCH];

/// One of the languages.
pub(super) fn throw(dice: &mut Dice) -> &'static Tongue {
    TONGUES.get(dice.below(TONGUES.len())).copied().unwrap_or(&ENGLISH)
}

impl Tongue {
    /// A subject.
    pub(super) fn subject(&self, dice: &mut Dice) -> String {
        let number = 100 + dice.below(9_900);
        dice.pick(self.subjects).replace("{n}", &number.to_string())
    }

    /// A body of about `octets`, in lines short enough for every server, each with its CRLF.
    pub(super) fn body(&self, dice: &mut Dice, octets: usize) -> String {
        let mut body = format!("{}\r\n\r\n", dice.pick(self.greetings));
        let farewell = dice.pick(self.farewells);
        while body.len() + farewell.len() + 4 < octets {
            for _ in 0..2 + dice.below(3) {
                let number = 2 + dice.below(97);
                body.push_str(&dice.pick(self.sentences).replace("{n}", &number.to_string()));
                body.push_str(self.gap);
                if dice.below(2) == 0 {
                    body.push_str("\r\n");
                }
            }
            body.push_str("\r\n\r\n");
        }
        body.push_str(farewell);
        body.push_str("\r\n");
        body
    }
}

const ENGLISH: Tongue = Tongue {
    tag: "en",
    subjects: &[
        "Minutes of the meeting about order {n}",
        "Your parcel {n} is on its way",
        "Re: the roof of hall {n}",
        "Invoice {n} for the garden tools",
        "Can we move Thursday's call?",
        "Timetable for week {n}, second draft",
    ],
    greetings: &["Good morning,", "Hello everybody,", "Dear neighbours,"],
    sentences: &[
        "The delivery of {n} crates has left the harbour this morning.",
        "Please have a look at page {n} of the attached plan before Friday.",
        "We found {n} open questions, most of them about the second floor.",
        "The painter needs two more days and asks for the key of the cellar.",
        "As agreed we shall keep room {n} free for the visitors from the north.",
        "I have put the figures of last month into the shared folder.",
    ],
    farewells: &["Kind regards, Maud", "See you on Monday, Piet", "Thank you, the workshop"],
    gap: " ",
};

const CHINESE: Tongue = Tongue {
    tag: "zh-Hant",
    subjects: &["第{n}號訂單的會議紀錄", "關於下週的出貨安排", "請確認{n}號發票", "倉庫盤點結果"],
    greetings: &["各位同事好:", "您好:"],
    sentences: &[
        "今天早上有{n}箱貨物離開港口。",
        "請在星期五之前看一下附件的第{n}頁。",
        "我們找到{n}個還沒有解決的問題,大多與二樓有關。",
        "油漆師傅還需要兩天時間。",
    ],
    farewells: &["謝謝,明華", "祝順利,採購部"],
    gap: "",
};

const JAPANESE: Tongue = Tongue {
    tag: "ja",
    subjects: &["注文{n}の打ち合わせについて", "来週の配送予定", "請求書{n}のご確認", "倉庫の棚卸し結果"],
    greetings: &["皆さん、おはようございます。", "お世話になっております。"],
    sentences: &[
        "今朝、{n}箱の荷物が港を出ました。",
        "金曜日までに資料の{n}ページをご覧ください。",
        "未解決の質問が{n}件あり、ほとんどは二階についてです。",
        "塗装にはあと二日かかるそうです。",
    ],
    farewells: &["よろしくお願いいたします。 さくら", "以上です。 倉庫係"],
    gap: "",
};

const KOREAN: Tongue = Tongue {
    tag: "ko",
    subjects: &["주문 {n} 회의록", "다음 주 배송 일정", "청구서 {n} 확인 부탁드립니다", "창고 재고 결과"],
    greetings: &["여러분 안녕하세요.", "안녕하십니까."],
    sentences: &[
        "오늘 아침에 상자 {n}개가 항구를 떠났습니다.",
        "금요일까지 첨부한 계획의 {n}쪽을 봐 주세요.",
        "아직 풀리지 않은 질문이 {n}개 있습니다.",
        "페인트 작업은 이틀 더 걸립니다.",
    ],
    farewells: &["감사합니다. 지우", "수고하세요. 작업실"],
    gap: " ",
};

const SPANISH: Tongue = Tongue {
    tag: "es",
    subjects: &[
        "Acta de la reunión sobre el pedido {n}",
        "Su paquete {n} ya está en camino",
        "Factura {n} de las herramientas del jardín",
        "¿Podemos cambiar la llamada del jueves?",
    ],
    greetings: &["Buenos días:", "Hola a todos:"],
    sentences: &[
        "Esta mañana han salido del puerto {n} cajas.",
        "Por favor, mirad la página {n} del plano antes del viernes.",
        "Quedan {n} preguntas abiertas, casi todas sobre el segundo piso.",
        "El pintor necesita dos días más y pide la llave del sótano.",
    ],
    farewells: &["Un saludo, Inés", "Hasta el lunes, el taller"],
    gap: " ",
};

const DUTCH: Tongue = Tongue {
    tag: "nl",
    subjects: &[
        "Notulen van het overleg over bestelling {n}",
        "Uw pakket {n} is onderweg",
        "Factuur {n} voor het tuingereedschap",
        "Kunnen we het gesprek van donderdag verzetten?",
    ],
    greetings: &["Goedemorgen,", "Beste collega's,"],
    sentences: &[
        "Vanochtend zijn {n} kratten uit de haven vertrokken.",
        "Kijk vóór vrijdag even naar bladzijde {n} van het plan.",
        "Er zijn nog {n} open vragen, de meeste over de tweede verdieping.",
        "De schilder heeft nog twee dagen nodig en vraagt om de sleutel van de kelder.",
    ],
    farewells: &["Met vriendelijke groet, Joëlle", "Tot maandag, de werkplaats"],
    gap: " ",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_about_their_size_and_no_long_lines() {
        for tongue in TONGUES {
            for octets in [200, 5_000, 60_000] {
                let body = tongue.body(&mut Dice::new(5), octets);
                assert!(body.len().abs_diff(octets) < 900, "{} {octets} {}", tongue.tag, body.len());
                assert!(body.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
            }
            assert!(!tongue.subject(&mut Dice::new(5)).contains('{'));
        }
    }
}
