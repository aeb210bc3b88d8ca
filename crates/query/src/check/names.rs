//! What analysts know from other systems, by the name that they write, and what works here instead.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{BinaryOperator, DataType, Value};

use super::{AGGREGATES, expression::INSTEAD, functions};
use crate::Refusal;

pub(super) const DATES: &str =
    "use columns of years or days as whole numbers, as in year >= 2000 or year / 10 * 10";
pub(super) const TEXTS: &str = "use LIKE, as in code LIKE 'E1%' or note LIKE '%pain%', which CASE makes groups of, or LOWER, UPPER, TRIM or LENGTH";
pub(super) const PATTERNS: &str =
    "use LIKE or ILIKE, where % stands for any letters and _ for one, several of them with OR";
pub(super) const TYPES: &str = "cast to INT, BIGINT, DOUBLE, DECIMAL(10, 2) or BOOLEAN";
pub(super) const PLAIN: &str =
    "use plain columns and literals, and IN with a list of literals for several values";
pub(super) const WINDOWS: &str = "ask for COUNT, SUM, AVG and others with GROUP BY; the first, last or number of a patient's rows is MIN, MAX or COUNT in a subquery that groups by the patient";

const NUMBERS: &str = "use +, -, *, /, %, ABS, SIGN, ROUND, FLOOR, CEIL, TRUNC, SQRT, LN, EXP or POWER(x, 2); a logarithm to the base of 10 is LN(x) / LN(10)";
const SHOWN: &str =
    "leave it out: numbers are shown as they are, ROUND(x, 1) shortens them, and CASE names values";
const SESSION: &str = "leave it out: a question sees the published tables and nothing else";
const CHOICE: &str = "write it as CASE WHEN x > 5 THEN 'high' ELSE 'low' END";
const FILTERED: &str = "write it as COUNT(*) FILTER (WHERE ...)";
const FREQUENT: &str = "use COUNT(*) with GROUP BY the column, ORDER BY and LIMIT";
const PAIRS: &str = "ask for SUM(x * y), SUM(x * x), SUM(y * y), SUM(x), SUM(y) and COUNT(*) in one question, and compute with the numbers";
const QUANTILES: &str = "use percentile_cont(0.25) WITHIN GROUP (ORDER BY x) or MEDIAN(x)";
const WRITTEN_OUT: &str = "write the time out: a question must mean the same whenever it is asked";
const CHANCE: &str = "leave it out: the noise of the answer is the only chance in it";

/// The aggregates that are released, by all the names that the planner knows.
const RELEASED: [&str; 23] = [
    "count",
    "sum",
    "avg",
    "mean",
    "var",
    "var_samp",
    "var_sample",
    "variance",
    "variance_samp",
    "var_pop",
    "var_population",
    "variance_pop",
    "stddev",
    "stddev_samp",
    "stddev_pop",
    "median",
    "approx_median",
    "min",
    "max",
    "percentile_cont",
    "quantile_cont",
    "quantile",
    "approx_percentile_cont",
];

/// Names of one kind, and what to do instead. A name that ends in `*` stands for all that begin so.
const FAMILIES: [(&str, &str); 17] = [
    (
        "extract date_part datepart date_trunc datetrunc date_bin time_bucket year month day quarter week hour minute second \
         dayofweek dayofyear dayname monthname isodow weekday last_day to_date to_time to_local_time to_timestamp* to_unixtime \
         from_unixtime make_date make_time make_timestamp date_format datediff date_diff date_add date_sub dateadd datesub \
         timestampdiff timestampadd age strftime strptime epoch* julian add_months months_between from_days to_days str_to_date \
         date datetime timestamp",
        DATES,
    ),
    (
        "substr substring substring_index substr_index left right split_part split string_split strpos instr position charindex \
         locate contains starts_with startswith prefix suffix ends_with endswith find_in_set concat concat_ws replace reverse \
         repeat lpad rpad ltrim rtrim initcap translate overlay insert stuff space ascii chr char ord unicode levenshtein soundex difference \
         editdist* jaccard jaro* hamming md5 sha* digest crc32 hash encode decode hex unhex to_hex to_base64 from_base64 \
         base64 bit_length octet_length strip_accents normalize lcase ucase format printf quote* to_ascii",
        TEXTS,
    ),
    ("regexp* regex* rlike similarity similar_to glob match", PATTERNS),
    (
        "to_char to_number to_text to_varchar tostring str format_number arrow_cast arrow_try_cast arrow_typeof arrow_field arrow_metadata \
         cast_to_type try_cast_to_type typeof pg_typeof convert cast with_metadata money",
        SHOWN,
    ),
    (
        "log log2 log10 cbrt exp2 sin cos tan cot asin acos atan atan2 sinh cosh tanh asinh acosh atanh pi degrees radians gcd lcm \
         factorial gamma lgamma hypot isnan isinf isfinite iszero nanvl bit_count div xor even square nextafter fdiv fmod erf",
        NUMBERS,
    ),
    ("if iff iif choose ifelse isnull decode_case switch", CHOICE),
    (
        "array* list* json* jsonb* struct named_struct struct_pack row row_to_json to_json to_jsonb map map_* get_field unnest \
         generate_series range generate_subscripts generate_array cardinality element_at flatten make_array xml* xpath* parse_json object_construct \
         union_extract union_tag hstore tsvector to_tsvector to_tsquery ts_* st_* cube_*",
        PLAIN,
    ),
    (
        "version user current_user session_user system_user current_role current_schema current_schemas current_database current_catalog \
         database schema pg_* current_setting set_config txid_* inet_* connection_id sleep benchmark load_file \
         read_* getenv getvariable input_file_name file_row_index nextval currval setval lastval last_insert_id query current_query obj_description has_table_privilege lo_import \
         dblink* system shell url_encode http_get raise error",
        SESSION,
    ),
    (
        "count_if countif sum_if avg_if bool_and bool_or every logical_and logical_or any_match all_match",
        FILTERED,
    ),
    ("mode top_k approx_top_k approx_most_frequent histogram", FREQUENT),
    ("corr covar covar_pop covar_samp regr_*", PAIRS),
    (
        "percentile_disc quantile_disc percentile percentile_approx approx_quantile approx_percentile reservoir_quantile \
         approx_percentile_cont_with_weight ntile_of",
        QUANTILES,
    ),
    (
        "row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value first last any_value \
         arbitrary arg_min arg_max argmin argmax min_by max_by",
        WINDOWS,
    ),
    (
        "approx_distinct approx_count_distinct hll_* ndv",
        "use COUNT(DISTINCT patient), or COUNT(*) with GROUP BY the column",
    ),
    (
        "array_agg string_agg group_concat listagg list_agg json_agg jsonb_agg xmlagg grouping grouping_id bit_and bit_or bit_xor \
         product geomean geometric_mean kurtosis skewness entropy mad checksum",
        AGGREGATES,
    ),
    (
        "now current_date current_time current_timestamp today localtime localtimestamp sysdate systimestamp getdate getutcdate \
         curdate curtime utc_* clock_timestamp statement_timestamp transaction_timestamp unix_timestamp get_current_time* timeofday",
        WRITTEN_OUT,
    ),
    ("random rand uuid uuidv4 gen_random_uuid newid setseed normal_rand randn", CHANCE),
];

/// Why a function of this name is refused, if it is.
pub(super) fn function(name: &str) -> Option<Refusal> {
    let (lower, upper) = (name.to_lowercase(), name.to_uppercase());
    if functions::is_own(&lower) || RELEASED.contains(&lower.as_str()) {
        return None;
    }
    // Aggregates of lists are more than lists.
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(start) => lower.starts_with(start),
        None => lower == pattern,
    };
    let exactly =
        FAMILIES.iter().find(|(names, _)| names.split_whitespace().any(|one| one == lower));
    let family =
        exactly.or_else(|| FAMILIES.iter().find(|(names, _)| names.split_whitespace().any(fits)));
    let construct = match family {
        Some((_, WRITTEN_OUT)) => format!("{upper}, the current time in a question,"),
        Some((_, CHANCE)) => format!("{upper}, a random function,"),
        _ => format!("The function {upper}"),
    };
    let instead = match family {
        Some((_, instead)) => (*instead).to_owned(),
        None => format!("{AGGREGATES}; of values {INSTEAD}"),
    };
    Some(Refusal::unsupported(construct, instead))
}

/// Refuses operators that are no arithmetic, comparison or logic.
pub(super) fn operator(op: &BinaryOperator) -> ControlFlow<Refusal> {
    use BinaryOperator as Op;
    let instead = match op {
        Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => {
            return ControlFlow::Continue(());
        }
        // Refused once it is known whether it is about the patient.
        Op::StringConcat => return ControlFlow::Continue(()),
        Op::Gt | Op::Lt | Op::GtEq | Op::LtEq | Op::Eq | Op::NotEq | Op::And | Op::Or => {
            return ControlFlow::Continue(());
        }
        Op::Spaceship => "write it as IS NOT DISTINCT FROM",
        Op::Xor => "write it as x IS DISTINCT FROM y for two conditions x and y",
        Op::DuckIntegerDivide | Op::MyIntegerDivide => {
            "write it as x / y, which of whole numbers is whole, or as FLOOR(x / 10.0)"
        }
        Op::PGExp | Op::BitwiseXor => "write POWER(x, 2) or x * x for a square",
        Op::BitwiseAnd
        | Op::BitwiseOr
        | Op::PGBitwiseXor
        | Op::PGBitwiseShiftLeft
        | Op::PGBitwiseShiftRight => "compute with x / 2 and x % 2 of whole numbers",
        Op::Match
        | Op::Regexp
        | Op::PGRegexMatch
        | Op::PGRegexIMatch
        | Op::PGRegexNotMatch
        | Op::PGRegexNotIMatch
        | Op::PGLikeMatch
        | Op::PGILikeMatch
        | Op::PGNotLikeMatch
        | Op::PGNotILikeMatch
        | Op::PGStartsWith => PATTERNS,
        Op::PGOverlap | Op::Overlaps => "write it as a.first <= b.last AND b.first <= a.last",
        _ => PLAIN,
    };
    ControlFlow::Break(Refusal::unsupported(format!("The operator {op}"), instead))
}

/// Refuses literals that are no number, text, flag or NULL.
pub(super) fn literal(value: &Value) -> ControlFlow<Refusal> {
    let (construct, instead) = match value {
        Value::Number(..) | Value::SingleQuotedString(_) | Value::Boolean(_) | Value::Null => {
            return ControlFlow::Continue(());
        }
        Value::Placeholder(name) => {
            (format!("A parameter or variable, {name},"), "write its value as a literal")
        }
        other => (
            // A text of a question is nobody's secret, but a long one is no part of a sentence.
            format!("The literal {}", other.to_string().chars().take(30).collect::<String>()),
            "use numbers, texts in single quotes, TRUE, FALSE or NULL",
        ),
    };
    ControlFlow::Break(Refusal::unsupported(construct, instead))
}

/// Refuses types that no value here can have.
pub(super) fn data_type(kind: &DataType) -> ControlFlow<Refusal> {
    let refuse = |instead: &str| {
        let kind = kind.to_string().chars().take(40).collect::<String>();
        ControlFlow::Break(Refusal::unsupported(format!("CAST to {kind}"), instead))
    };
    match kind {
        DataType::TinyInt(_)
        | DataType::SmallInt(_)
        | DataType::Int2(_)
        | DataType::Int(_)
        | DataType::Integer(_)
        | DataType::Int4(_)
        | DataType::BigInt(_)
        | DataType::Int8(_)
        | DataType::Float(_)
        | DataType::Real
        | DataType::Float4
        | DataType::Float8
        | DataType::DoublePrecision
        | DataType::Numeric(_)
        | DataType::Decimal(_)
        | DataType::Bool
        | DataType::Boolean
        | DataType::Text
        | DataType::Varchar(None)
        | DataType::Char(None)
        | DataType::String(None) => ControlFlow::Continue(()),
        DataType::Double(info) if info.to_string().is_empty() => ControlFlow::Continue(()),
        DataType::Date
        | DataType::Date32
        | DataType::Datetime(_)
        | DataType::Time(..)
        | DataType::Timestamp(..)
        | DataType::TimestampNtz(_)
        | DataType::Interval { .. } => refuse(DATES),
        DataType::Varchar(_)
        | DataType::Char(_)
        | DataType::Character(_)
        | DataType::CharacterVarying(_)
        | DataType::CharVarying(_)
        | DataType::Nvarchar(_)
        | DataType::String(_) => refuse(TEXTS),
        _ => refuse(TYPES),
    }
}
