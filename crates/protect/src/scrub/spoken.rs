//! Dates in words, as they are dictated: days, and years, without a figure.

/// Days by their ordinal in English.
const ENGLISH: &str = r"(?:(?:twenty|thirty)[-\s]?)?(?:first|second|third|fou?rth|fifth|sixth|seventh|eighth|ninth)|tenth|eleventh|twelfth|(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth";
/// Days in German and Dutch, French, Spanish and Portuguese, and Italian: by ordinals, or by cardinals where that is the custom.
const OTHERS: &str = concat!(
    r"(?:erst|zweit|dritt|viert|f(?:ü|u\x{308}|ue)nft|sechst|sieb(?:en)?t|acht|neunt|zehnt|elft|zw(?:ö|o\x{308}|oe)lft|\p{L}{3,6}zehnt|\p{L}{0,14}zwanzigst|(?:einund)?drei(?:ß|ss)igst)e[nrs]?",
    r"|eerste|tweede|derde|vierde|vijfde|zesde|zevende|achtste|negende|tiende|elfde|twaalfde|\p{L}{3,6}tiende|\p{L}{0,14}twintigste|(?:eenen)?dertigste|twee|drie|vijf|zes|zeven|negen|tien|twaalf",
    r"|premier|deux|trois|quatre|cinq|six|sept|huit|neuf|dix(?:-(?:sept|huit|neuf))?|onze|douze|treize|quatorze|quinze|seize|vingt(?:[-\s](?:et[-\s])?(?:une?|deux|trois|quatre|cinq|six|sept|huit|neuf))?|trente(?:[-\s]et[-\s]une?)?",
    r"|primero?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|dieci\p{L}+|veinte|veinti\p{L}+|treinta(?:\s+y\s+uno)?",
    r"|primeiro|dois|tr(?:ê|e\x{302})s|quatro|sete|oito|nove|dez|doze|treze|quinze|dez[ae]\p{L}+|vinte(?:\s+e\s+\p{L}+)?|trinta(?:\s+e\s+um)?",
    r"|primo|due|tre|quattro|cinque|sei|sette|otto|dieci|undici|dodici|tredici|quattordici|quindici|sedici|dici\p{L}+|vent(?:i|uno|otto|i\p{L}+)|trenta|trentuno"
);
/// Whole names of months, but for those that are words of any English sentence.
const MONTH: &str = r"(?:january|januari?|j(?:ä|a\x{308}|ae)nner|janvier|enero|gennaio|janeiro|february|februari?|f(?:é|e\x{301}|e)vrier|febrero|febbraio|fevereiro|march|m(?:ä|a\x{308}|ae)rz|mars|marzo|maart|mar(?:ç|c\x{327}|c)o|april|avril|abril|aprile|mayo?|mai|mei|maio|maggio|june|juni|juin|junio|junho|giugno|july|juli|juillet|julio|julho|luglio|august|augustus|ao(?:û|u\x{302}|u)t|agosto|september|septembre|septiembre|settembre|setembro|o[ck]tober|octobre|octubre|ottobre|outubro|november|novembre|noviembre|novembro|de[cz]ember|d(?:é|e\x{301}|e)cembre|diciembre|dicembre|dezembro)";
/// English short forms.
const SHORT: &str = r"(?:(?:jan|feb|apr|aug|sept|oct|nov|dec)\b\.?)";
/// Numbers up to 99 in English words.
const NUMBER: &str = r"(?:ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[-\s](?:one|two|three|four|five|six|seven|eight|nine))?|(?:oh?|and)[-\s](?:one|two|three|four|five|six|seven|eight|nine))";

/// A day and a month, or a month and a year, or the year of a birth, in words.
pub(super) fn shape() -> String {
    let year = format!(
        r"(?:(?:nineteen|eighteen)(?:[-\s]hundred)?[-\s](?:and[-\s])?{NUMBER}|twenty[-\s]{NUMBER}|two[-\s]thousand(?:[-\s](?:and[-\s])?(?:{NUMBER}|one|two|three|four|five|six|seven|eight|nine))?)\b"
    );
    let behind = format!(r"(?:,?\s+(?:(?:of|in|the\s+year|de|del|do)\s+)*(?:{year}|\d{{4}}\b))?");
    // March and May are verbs: `may first have`, `six may`.
    let sure = MONTH.replace("march|", "").replace("mayo?|", "mayo|");
    let verb = r"(?-i:M(?:ay|AY|arch|ARCH))";
    [
        format!(r"\b(?:{ENGLISH})(?:\s+day)?,?\s+of\s+(?:{MONTH}\b|{SHORT}){behind}"),
        format!(r"\b(?:{ENGLISH})\s+(?:{sure}|{verb})\b{behind}"),
        format!(r"\b(?:{OTHERS})\s+(?:(?:de|di|del|van)\s+)?(?:{sure}|{verb})\b{behind}"),
        format!(
            r"\b(?:{sure}|march|{verb}|(?:on|since|until|by|from)\s+may)\s+(?:the\s+)?(?:{ENGLISH})\b{behind}"
        ),
        format!(r"\b(?:{sure}|march|may)\s+the\s+\d{{1,2}}(?:st|nd|rd|th)\b{behind}"),
        format!(r"\b(?:{MONTH})\s+(?:of\s+)?{year}"),
        format!(r"\bborn\s+(?:in\s+)?(?:the\s+year\s+)?{year}"),
        r"[一二三四五六七八九十]{1,3}月[一二三四五六七八九十]{1,3}日".to_owned(),
    ]
    .join("|")
}
