//! Words that name nobody although names have them: *University of the North*, *No. 12 High Road*.
//!
//! What a person is called is learnt word by word, but for words without which no sentence can be written
//! ([`is_function`]): these are a name only beside another part of it. Of what a place or an organization is called, only
//! words that are not ordinary ([`is_ordinary`]) are learnt alone, and the others together as they stand
//! ([`is_telling`]).

use std::collections::HashSet;
use std::sync::LazyLock;

use super::words;

/// Negations, which no rule about names may take from a sentence.
const NEGATIONS: &str = "
no not none never neither nor without non nothing nobody nie nicht nichts kein keine keinen keinem keiner keines ohne
weder niemals sans pas ne ni aucun aucune jamais rien sin nunca ningun ninguna ninguno tampoco senza nessun
nessuna nessuno sem nao nenhum nenhuma niet geen zonder nooit niets
";

/// Articles, prepositions, conjunctions, pronouns and auxiliary verbs, folded: English, German, French, Spanish, Italian,
/// Portuguese, Dutch; and what people are called by their part in care.
const FUNCTION: &str = "
a an the this that these those of and or but if in on at to by for from with into onto over under up down out off as is
are was were be been being am has have had do does did he she it they we you his her its their our your him them who
which what when where why how than then there here so too very also can could should would must shall all any both each
few more most other some such only own same about above after again against before below between during further once
through until while because per via within since
der die das den dem des ein eine einen einem einer eines und oder aber wenn im am an auf aus bei mit nach seit von vom
zu zum zur fur durch gegen um ist sind war waren sein hat haben hatte wird werden er sie es wir ihr ich sich als auch
nur noch schon sehr so wie was wer wo da dass bis uber unter vor hinter neben zwischen
le la les un une des du de et ou mais si dans en sur sous avec pour par au aux chez est sont etait ete etre avoir il elle
ils elles on nous vous je ce cette ces son sa ses leur que qui dont plus moins tres
el los las una unos unas y o u pero con para por del al se es son era fue ha han su sus lo que como mas muy
il gli i uno dei delle della dello degli e ed ma per tra fra da dal dalla nel nella sul sulla con sono era ha hanno suo
sua che chi cui piu molto
os as um uma uns umas do dos das no na nos nas pelo pela em com mais muito
het een van op te aan bij voor naar uit om dat dit deze die zijn was waren heeft hebben hij zij ze wij je ook nog wel
patient patients patienten paciente pacientes paziente doctor nurse physician general hospital clinic unknown test
mother father sister brother wife husband son daughter child baby
";

/// Words of the names of institutions, which say what is there and not where.
const CARE: &str = "
academy administration agency ambulance ambulatory army arzt arztpraxis assisted association associates board care center
centre centro centrum charite charity children childrens church cities clinica clinical clinics clinique college
committee community company corporation council counseling county dental department dept diagnostic diagnostics dialysis
division doctors education emergency facility families family federal foundation free fund geriatric government group
gruppe gmbh haus health healthcare heim hopital hospice hospitals home homes house imaging inc industry institut
institute institution insurance international integrated internal klinik klinikum kranken krankenhaus krankenkasse
laboratories laboratory library limited living llc llp lp ltd management maternity medical medicine medizin
medizinisches memorial mental military ministry mobile national nursing office ospedale outpatient palliative partners
pc pediatric pediatrics pharmacy physicians plan pllc practice praxis primary private program project provider psychiatry
public radiology region regional rehab rehabilitation research residence residential room royal rural sanatorium school
science sciences senior service services society social solutions specialist specialists specialty state stiftung station
street system systems team therapy trauma treatment trust unit united universidad universitair universitaet universitat
universitatsklinikum universite universities university urgent veterans ward wellness women womens world work working
youth zentrum ziekenhuis krebs herz kinder frauen augen zahn
";

/// Words of addresses, which are ordinary alone.
const PLACES: &str = "
address allee alley apartment apt area ash avenida avenue ave avenue away back bank bath bay beach bell best block board
boulevard blvd box bridge broad building bush calle castle central chapel chaussee city close corner corso cottage court
cross crossing dale deal door down drive dr east eastern edge end essen estate extension farm field fields first flat floor
ford forest fort front garden gardens gasse gate glen grand grange great green grove hall hamm head heights high highway
hill hills hope house industrial island isle junction key lake land landing lane large left level line little lock lodge
long lot low lower main manor market mead meadow middle mill mills mission mount mountain new nice normal north northern
oak old open orange orchard parade park parkway pass path piazza pike pine place plain plains platz plaza point pond port
post quay rapids reading ridge right ring rise river road rock route rue run sale sand sandwich saint second short side
small south southern split spring springs square stadt station stone strada strasse stream suite summit tail terrace third
tor tours tower town track trail tree turn turnpike union unit upper vale valley via view villa village vista walk wall
water way weg well wells west western white wood woods yard young cold warm dry wet hot acute red black blue brown gray
grey yellow dark light heart eye face foot hand arm leg bone
";

struct Lists {
    negations: HashSet<&'static str>,
    function: HashSet<&'static str>,
    /// Of notes and of institutions.
    care: HashSet<&'static str>,
    places: HashSet<&'static str>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| Lists {
    negations: NEGATIONS.split_whitespace().collect(),
    function: FUNCTION.split_whitespace().collect(),
    care: CARE.split_whitespace().chain(words::common()).collect(),
    places: PLACES.split_whitespace().collect(),
});

/// Whether a folded word negates.
pub(super) fn is_negation(word: &str) -> bool {
    LISTS.negations.contains(word)
}

/// Whether a folded word is part of any sentence, so that alone it is nobody's name.
pub(super) fn is_function(word: &str) -> bool {
    is_negation(word) || LISTS.function.contains(word)
}

/// Whether a folded word is an ordinary one in the name of a place or an organization.
pub(super) fn is_ordinary(word: &str) -> bool {
    is_function(word) || LISTS.care.contains(word) || LISTS.places.contains(word)
}

/// Whether a folded word makes the words around it a name of a place, as *road* does with *high*.
pub(super) fn is_telling(word: &str) -> bool {
    let number = word.bytes().all(|byte| byte.is_ascii_digit());
    !number && !is_function(word) && !LISTS.care.contains(word)
}
