//! Reading parameters as strictly as go-ethereum does, with its words for what is wrong.

use alloy::eips::{BlockId, BlockNumberOrTag, RpcBlockHash};
use alloy::primitives::{B256, U256};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::Failure;

/// The values of a request, in order.
pub(crate) struct Params<'a>(Vec<&'a RawValue>);

impl<'a> Params<'a> {
    pub fn read(raw: Option<&'a RawValue>) -> Result<Self, Failure> {
        match raw.map(RawValue::get) {
            None | Some("null") => Ok(Self(Vec::new())),
            Some(list) => {
                serde_json::from_str(list).map(Self).map_err(|_| Failure::params("non-array args"))
            }
        }
    }

    pub fn at_most(&self, most: usize) -> Result<(), Failure> {
        if self.0.len() > most {
            return Err(Failure::params(format!("too many arguments, want at most {most}")));
        }
        Ok(())
    }

    fn text(&self, index: usize) -> Option<&'a str> {
        self.0.get(index).map(|value| value.get()).filter(|text| *text != "null")
    }

    pub fn is_given(&self, index: usize) -> bool {
        self.text(index).is_some()
    }

    fn present(&self, index: usize) -> Result<&'a str, Failure> {
        self.text(index)
            .ok_or_else(|| Failure::params(format!("missing value for required argument {index}")))
    }

    pub fn required<T: DeserializeOwned>(&self, index: usize) -> Result<T, Failure> {
        serde_json::from_str(self.present(index)?).map_err(|error| invalid(index, error))
    }

    pub fn optional<T: DeserializeOwned>(&self, index: usize) -> Result<Option<T>, Failure> {
        self.is_given(index).then(|| self.required(index)).transpose()
    }

    /// A number in hexadecimal without leading zeros, as the standard wants it.
    pub fn quantity(&self, index: usize) -> Result<u64, Failure> {
        let text: String = self.required(index)?;
        quantity(&text).map_err(|reason| invalid(index, reason))
    }

    /// A number as development tools send it: in hexadecimal or as a JSON number.
    pub fn number(&self, index: usize) -> Result<u64, Failure> {
        match serde_json::from_str::<u64>(self.present(index)?) {
            Ok(number) => Ok(number),
            Err(_) => self.quantity(index),
        }
    }

    /// A storage slot: up to 32 bytes in hexadecimal, leading zeros or not.
    pub fn slot(&self, index: usize) -> Result<U256, Failure> {
        let text: String = self.required(index)?;
        let digits = text.strip_prefix("0x").or(text.strip_prefix("0X")).unwrap_or(&text);
        if digits.is_empty() {
            return Ok(U256::ZERO);
        }
        U256::from_str_radix(digits, 16)
            .map_err(|_| Failure::params("unable to decode storage key: hex string invalid"))
    }

    /// A block by number or tag.
    pub fn tag(&self, index: usize) -> Result<BlockId, Failure> {
        let text: String = self.required(index)?;
        tag(&text).map_err(|reason| invalid(index, reason))
    }

    /// A block by number, tag, hash, or as an object (EIP-1898); `default` if none is named.
    pub fn block_or(&self, index: usize, default: BlockId) -> Result<BlockId, Failure> {
        match self.text(index) {
            None => Ok(default),
            Some(object) if object.starts_with('{') => {
                let named: Named = self.required(index)?;
                named.block().map_err(|reason| invalid(index, reason))
            }
            Some(_) => {
                let text: String = self.required(index)?;
                // A hash is 0x and 64 digits; anything else is a number or a tag.
                if text.len() == 66 {
                    return self.required::<B256>(index).map(BlockId::from);
                }
                tag(&text).map_err(|reason| invalid(index, reason))
            }
        }
    }
}

fn invalid(index: usize, reason: impl std::fmt::Display) -> Failure {
    Failure::params(format!("invalid argument {index}: {reason}"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    block_number: Option<String>,
    block_hash: Option<B256>,
    require_canonical: Option<bool>,
}

impl Named {
    fn block(self) -> Result<BlockId, &'static str> {
        match (self.block_number, self.block_hash) {
            (Some(_), Some(_)) => {
                Err("cannot specify both BlockHash and BlockNumber, choose one or the other")
            }
            (Some(number), None) => tag(&number),
            (None, Some(block_hash)) => Ok(BlockId::Hash(RpcBlockHash {
                block_hash,
                require_canonical: self.require_canonical,
            })),
            (None, None) => Err("invalid arguments; neither block nor hash specified"),
        }
    }
}

pub(crate) fn tag(text: &str) -> Result<BlockId, &'static str> {
    Ok(BlockId::Number(match text {
        "latest" | "" => BlockNumberOrTag::Latest,
        "pending" => BlockNumberOrTag::Pending,
        "earliest" => BlockNumberOrTag::Earliest,
        "safe" => BlockNumberOrTag::Safe,
        "finalized" => BlockNumberOrTag::Finalized,
        number => match quantity(number)? {
            number if i64::try_from(number).is_ok() => BlockNumberOrTag::Number(number),
            _ => return Err("block number larger than int64"),
        },
    }))
}

fn quantity(text: &str) -> Result<u64, &'static str> {
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    match digits.ok_or("hex string without 0x prefix")? {
        "" => Err("hex string \"0x\""),
        zeros if zeros.len() > 1 && zeros.starts_with('0') => {
            Err("hex number with leading zero digits")
        }
        digits if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            Err("invalid hex string")
        }
        digits => u64::from_str_radix(digits, 16).map_err(|_| "hex number > 64 bits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_hexadecimal_with_a_prefix_and_no_leading_zero() {
        assert_eq!(quantity("0x0"), Ok(0));
        assert_eq!(quantity("0xfF"), Ok(255));
        for bad in ["", "1", "0x", "0x01", "0xg", "0x-1", "0x10000000000000000"] {
            assert!(quantity(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_block_may_be_named_by_tag_number_hash_or_object_but_not_by_two() {
        let hash = format!("\"{}\"", B256::repeat_byte(7));
        for good in [
            "\"latest\"",
            "\"0x10\"",
            &hash,
            r#"{"blockNumber":"0x1"}"#,
            &format!(r#"{{"blockHash":{hash}}}"#),
        ] {
            let raw = format!("[{good}]");
            let raw = serde_json::from_str::<&RawValue>(&raw).ok();
            let params = Params::read(raw).ok();
            assert!(params.is_some_and(|p| p.block_or(0, BlockId::latest()).is_ok()), "{good}");
        }
        let both = format!(r#"[{{"blockNumber":"0x1","blockHash":{hash}}}]"#);
        let raw = serde_json::from_str::<&RawValue>(&both).ok();
        let params = Params::read(raw).ok();
        assert!(params.is_some_and(|p| p.block_or(0, BlockId::latest()).is_err()));
    }
}
