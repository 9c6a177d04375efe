//! Rules of the oracle, for the engine.

use super::Extended;
use crate::autoregressive::{AtMaximum, EndRank, PoolSize, Request, Rules, Stopping};
use crate::reference::autoregressive as oracle;

impl Extended {
    pub(in crate::reference::requests) fn add_engine_rules(&self, request: Request) -> Request {
        match self.rules {
            None => request,
            Some(rules) => request.with_rules(engine_rules(rules)),
        }
    }
}

fn engine_rules(rules: oracle::Rules) -> Rules {
    Rules::plain()
        .with_length_penalty(rules.length_penalty)
        .with_counted(rules.counted)
        .with_when_full(rules.when_full)
        .with_stopping(match rules.stopping {
            oracle::Stopping::Heuristic { leader } => Stopping::Heuristic { leader },
            oracle::Stopping::Exhaustive => Stopping::Exhaustive,
            oracle::Stopping::FirstFinished { patience } => Stopping::FirstFinished { patience },
            oracle::Stopping::BestFinished { hypotheses } => Stopping::BestFinished { hypotheses },
            oracle::Stopping::Never => Stopping::Never,
            oracle::Stopping::PoolFull => Stopping::PoolFull,
        })
        .with_end_rank(match rules.end_rank {
            oracle::EndRank::WithinBeam => EndRank::WithinBeam,
            oracle::EndRank::Any => EndRank::Any,
            oracle::EndRank::BeforeLastBeam => EndRank::BeforeLastBeam,
            oracle::EndRank::WithinRow => EndRank::WithinRow,
        })
        .with_at_maximum(match rules.at_maximum {
            oracle::AtMaximum::Finish => AtMaximum::Finish,
            oracle::AtMaximum::FinishUnlessDone => AtMaximum::FinishUnlessDone,
            oracle::AtMaximum::FinishIfNoneEnded => AtMaximum::FinishIfNoneEnded,
            oracle::AtMaximum::ForceEnd => AtMaximum::ForceEnd,
            oracle::AtMaximum::FillUp => AtMaximum::FillUp,
        })
        .with_pool_size(match rules.pool_size {
            oracle::PoolSize::Beams => PoolSize::Beams,
            oracle::PoolSize::Patience { patience } => PoolSize::Patience { patience },
            oracle::PoolSize::All => PoolSize::All,
        })
}
