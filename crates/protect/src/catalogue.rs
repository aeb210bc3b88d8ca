//! A dataset's entry in a public catalogue: DCAT 3 as JSON-LD with the terms of HealthDCAT-AP. It reveals no record.
//!
//! Sources: W3C, Data Catalog Vocabulary (DCAT) version 3; HealthDCAT-AP, the health profile of DCAT-AP for the European
//! Health Data Space, release 5, for datasets that are not public. What only a custodian can tell, whom to write to and which
//! body grants access, is there as far as they told it; [`missing`] names what the profile requires besides.

mod contact;

pub use contact::{Contact, ContactError};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A dataset as a public catalogue lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogueEntry {
    /// A URI of the dataset.
    pub id: String,
    /// Its name.
    pub title: String,
    /// What it is, in a sentence.
    pub description: String,
    /// Who publishes it.
    pub publisher: String,
    /// The day from which it counts, `YYYY-MM-DD`.
    pub issued: String,
    /// The country in which the data lie, ISO 3166-1 alpha-2.
    pub country: String,
    /// How many people are in it.
    pub people: u64,
    /// How many rows it has.
    pub records: u64,
    /// How it was protected, in a sentence.
    pub protection: String,
    /// URIs of the terminologies that it uses.
    pub terminologies: Vec<String>,
    /// What was measured of it, each from 0 to 1 or in the unit that the name tells.
    pub measurements: Vec<(String, f64)>,
    /// SHA-256 of its report, in hex.
    pub report: String,
    /// Whom to write to about it, if the custodian told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// The health data access body that grants access to it (Regulation (EU) 2025/327, Art. 55), if the custodian told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_body: Option<Contact>,
}

/// What the profile requires of a dataset that is not public and the entry does not have, by the names of the properties.
pub fn missing(entry: &CatalogueEntry) -> Vec<&'static str> {
    let told = [
        ("dcat:contactPoint with vcard:hasEmail or vcard:hasURL", entry.contact.is_some()),
        ("healthdcatap:hdab", entry.access_body.is_some()),
    ];
    told.into_iter().filter(|(_, there)| !there).map(|(what, _)| what).collect()
}

/// ISO 3166-1 alpha-2 to the authority table of countries that DCAT-AP asks for, which has alpha-3 codes.
fn country(alpha2: &str) -> String {
    const COUNTRIES: &str = "AT:AUT BE:BEL BG:BGR BR:BRA CA:CAN CH:CHE CN:CHN CY:CYP CZ:CZE DE:DEU DK:DNK EE:EST ES:ESP FI:FIN
        FR:FRA GB:GBR GR:GRC HR:HRV HU:HUN IE:IRL IN:IND IS:ISL IT:ITA JP:JPN LI:LIE LT:LTU LU:LUX LV:LVA MT:MLT NL:NLD NO:NOR
        PL:POL PT:PRT RO:ROU SE:SWE SI:SVN SK:SVK US:USA";
    let found =
        COUNTRIES.split_whitespace().find_map(|pair| pair.strip_prefix(alpha2)?.strip_prefix(':'));
    match found {
        Some(alpha3) => {
            format!("http://publications.europa.eu/resource/authority/country/{alpha3}")
        }
        None => format!("https://www.iso.org/obp/ui/#iso:code:3166:{alpha2}"),
    }
}

/// The context of every entry.
fn context() -> Value {
    json!({
        "adms": "http://www.w3.org/ns/adms#",
        "dcat": "http://www.w3.org/ns/dcat#",
        "dcatap": "http://data.europa.eu/r5r/",
        "dct": "http://purl.org/dc/terms/",
        "dpv": "https://w3id.org/dpv#",
        "dqv": "http://www.w3.org/ns/dqv#",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "healthdcatap": "http://healthdataportal.eu/ns/health#",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "spdx": "http://spdx.org/rdf/terms#",
        "vcard": "http://www.w3.org/2006/vcard/ns#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    })
}

/// One entry as a document of its own.
pub fn dataset(entry: &CatalogueEntry) -> Value {
    let mut node = node(entry);
    node["@context"] = context();
    node
}

/// A catalogue of entries.
pub fn catalogue(
    title: &str,
    description: &str,
    publisher: &str,
    entries: &[CatalogueEntry],
) -> Value {
    json!({
        "@context": context(),
        "@type": "dcat:Catalog",
        "dcatap:applicableLegislation": law(),
        "dct:title": text(title),
        "dct:description": text(description),
        "dct:publisher": { "@type": "foaf:Agent", "foaf:name": publisher },
        "dcat:dataset": entries.iter().map(node).collect::<Vec<Value>>(),
    })
}

/// The European Health Data Space, Regulation (EU) 2025/327.
fn law() -> Value {
    json!({ "@id": "http://data.europa.eu/eli/reg/2025/327/oj" })
}

fn text(text: &str) -> Value {
    json!({ "@language": "en", "@value": text })
}

fn node(entry: &CatalogueEntry) -> Value {
    let access = json!({ "@id": "http://publications.europa.eu/resource/authority/access-right/NON_PUBLIC" });
    let whole =
        |number: u64| json!({ "@type": "xsd:nonNegativeInteger", "@value": number.to_string() });
    let measured = |(what, value): &(String, f64)| {
        json!({
            "@type": "dqv:QualityMeasurement",
            "dqv:isMeasurementOf": { "@type": "dqv:Metric", "skos:prefLabel": text(what) },
            "dqv:value": { "@type": "xsd:double", "@value": value.to_string() },
        })
    };
    let mut node = json!({
        "@id": entry.id,
        "@type": "dcat:Dataset",
        "dct:identifier": entry.id,
        "dct:title": text(&entry.title),
        "dct:description": text(&entry.description),
        "dct:publisher": { "@type": "foaf:Agent", "foaf:name": entry.publisher },
        "dcat:contactPoint": contact::card_of(&entry.publisher),
        "dct:issued": { "@type": "xsd:date", "@value": entry.issued },
        "dct:accessRights": access,
        "dcatap:applicableLegislation": law(),
        "dct:spatial": { "@id": country(&entry.country) },
        "dct:type": { "@id": "http://publications.europa.eu/resource/authority/dataset-type/PERSONAL_DATA" },
        "dcat:theme": { "@id": "http://publications.europa.eu/resource/authority/data-theme/HEAL" },
        "dcat:keyword": [text("electronic health records"), text("compute to data")],
        "healthdcatap:healthCategory": { "@id": "http://healthdataportal.eu/vocabulary/health-category/EHRS" },
        "healthdcatap:numberOfRecords": whole(entry.records),
        "healthdcatap:numberOfUniqueIndividuals": whole(entry.people),
        "healthdcatap:hasCodingSystem": entry.terminologies.iter().map(|uri| json!({ "@id": uri })).collect::<Vec<_>>(),
        "dpv:hasPersonalData": { "@id": "https://w3id.org/dpv/pd#HealthRecord" },
        "dpv:hasTechnicalOrganisationalMeasure": text(&entry.protection),
        "dqv:hasQualityMeasurement": entry.measurements.iter().map(measured).collect::<Vec<_>>(),
        "dcat:distribution": {
            "@type": "dcat:Distribution",
            "dct:title": text("Protected answers; rows do not leave the custodian"),
            "dcat:accessURL": { "@id": entry.id },
            "dcatap:applicableLegislation": law(),
            "dct:accessRights": access,
        },
        "dct:provenance": {
            "@type": "dct:ProvenanceStatement",
            "rdfs:label": text("Protected by the custodian; the report of what was done has this checksum"),
            "spdx:checksum": {
                "@type": "spdx:Checksum",
                "spdx:algorithm": { "@id": "spdx:checksumAlgorithm_sha256" },
                "spdx:checksumValue": { "@type": "xsd:hexBinary", "@value": entry.report },
            },
        },
    });
    if let Some(contact) = &entry.contact {
        node["dct:publisher"] = contact.agent();
        node["dcat:contactPoint"] = contact.card();
    }
    if let Some(body) = &entry.access_body {
        node["healthdcatap:hdab"] = body.agent();
    }
    node
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_entry_has_what_the_profile_requires_of_a_dataset_that_is_not_public() {
        let entry = CatalogueEntry {
            id: "ipfs://bafy".into(),
            title: "Records".into(),
            description: "Records of people.".into(),
            publisher: "klinikum-nord".into(),
            issued: "2026-01-01".into(),
            country: "DE".into(),
            people: 12,
            records: 40,
            protection: "10-anonymity".into(),
            terminologies: vec!["http://loinc.org".into()],
            measurements: vec![("completeness".into(), 0.5)],
            report: "00".into(),
            contact: Some(Contact::new("Klinikum", Some("data@nord.example"), None).unwrap()),
            access_body: Some(Contact::new("Body", None, Some("https://body.example")).unwrap()),
        };
        assert!(missing(&entry).is_empty());
        let all = catalogue("Home", "Datasets.", "home", std::slice::from_ref(&entry));
        let dataset = &all["dcat:dataset"][0];
        for key in [
            "dct:title",
            "dct:description",
            "dct:identifier",
            "dct:accessRights",
            "dct:publisher",
            "dct:provenance",
            "dct:type",
            "dcat:contactPoint",
            "dcat:theme",
            "dcat:keyword",
            "dcat:distribution",
            "dcatap:applicableLegislation",
            "healthdcatap:hdab",
            "healthdcatap:healthCategory",
        ] {
            assert!(!dataset[key].is_null(), "{key}");
        }
        // Catalogues and distributions name the law too, and whoever is named can be reached at an IRI.
        assert!(all["dcatap:applicableLegislation"]["@id"].is_string());
        assert!(dataset["dcat:distribution"]["dcatap:applicableLegislation"]["@id"].is_string());
        let (publisher, body) = (&dataset["dct:publisher"], &dataset["healthdcatap:hdab"]);
        for card in [&dataset["dcat:contactPoint"], &publisher["dcat:contactPoint"]] {
            assert_eq!(card["vcard:hasEmail"]["@id"], "mailto:data@nord.example");
            assert_eq!(card["@type"][0], "vcard:Kind");
        }
        assert_eq!(publisher["foaf:name"], "Klinikum");
        assert_eq!(body["dcat:contactPoint"]["vcard:hasURL"]["@id"], "https://body.example");
        assert_eq!(
            dataset["dct:spatial"]["@id"],
            "http://publications.europa.eu/resource/authority/country/DEU"
        );
        // Every term's prefix is in the context.
        let context = all["@context"].as_object().unwrap();
        for key in dataset.as_object().unwrap().keys().filter(|key| !key.starts_with('@')) {
            assert!(context.contains_key(key.split(':').next().unwrap()), "{key}");
        }
        assert!(dataset_document_is_whole(&super::dataset(&entry)));

        // What was not told is named, and an entry that was written before it could be told is read.
        let untold = CatalogueEntry { contact: None, access_body: None, ..entry };
        assert_eq!(missing(&untold).len(), 2);
        let older = serde_json::to_value(&untold).unwrap();
        assert!(older.get("contact").is_none());
        assert_eq!(serde_json::from_value::<CatalogueEntry>(older).unwrap(), untold);
        assert_eq!(super::dataset(&untold)["dct:publisher"]["foaf:name"], "klinikum-nord");
    }

    fn dataset_document_is_whole(document: &Value) -> bool {
        document["@context"].is_object() && document["@type"] == "dcat:Dataset"
    }
}
