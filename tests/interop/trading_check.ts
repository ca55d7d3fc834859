/** freqtrade and ccxt, offline: our names are theirs. */

import { assert, assertEquals } from "@std/assert";
import { pairlist, unifiedSymbol } from "../../lib/core/pairlist.ts";
import { seedSource } from "../../lib/source/seed.ts";
import { docBlock } from "../helpers/doc_blocks.ts";
import { python, withServed } from "../helpers/interop.ts";

/** ccxt's own reading of what the exchange says of a market. */
const PARSE_MARKET = `
import ccxt

exchange = ccxt.binanceusdm()

def market(id, base, quote, type="PERPETUAL"):
    dated = type != "PERPETUAL"
    return exchange.parse_market({
        "symbol": id, "pair": base + quote, "contractType": type, "status": "TRADING",
        "deliveryDate": 1711699200000 if dated else 4133404800000, "onboardDate": 1569398400000,
        "baseAsset": base, "quoteAsset": quote, "marginAsset": quote, "underlyingType": "COIN",
        "pricePrecision": 2, "quantityPrecision": 3, "filters": [],
    })
`;

Deno.test("ccxt calls every kind of contract what bfa calls it, and its id is our symbol", async () => {
  const contracts = [
    ["BTCUSDT", "BTC", "USDT", "PERPETUAL"],
    ["1000PEPEUSDT", "1000PEPE", "USDT", "PERPETUAL"],
    ["币安人生USDT", "币安人生", "USDT", "PERPETUAL"],
    ["BTCUSDC", "BTC", "USDC", "PERPETUAL"],
    ["BTCUSD1", "BTC", "USD1", "PERPETUAL"],
    ["ETHBTC", "ETH", "BTC", "PERPETUAL"],
    ["BTCUSDT_240329", "BTC", "USDT", "CURRENT_QUARTER"],
  ];
  const code = await docBlock("ccxt", { url: "", version: "" });
  const answer = await python(
    `${PARSE_MARKET}
markets = [market(*one) for one in ${JSON.stringify(contracts)}]
exchange.set_markets(markets)
${code}
answer = [[m["id"], m["symbol"]] for m in markets] + [market]`,
    { venv: "freqtrade" },
  );
  const ours = contracts.map(([symbol, , quoteAsset]) => [
    symbol,
    unifiedSymbol({ symbol: symbol!, quoteAsset: quoteAsset! }),
  ]);
  assertEquals(answer, [...ours, "1000PEPE/USDT:USDT"]);
});

Deno.test("the newest pairlist and freqtrade's own list of Binance's contracts have the same names", async () => {
  const { pairs } = pairlist(await seedSource(), "latest");
  const theirs: string[] = await python(
    `import freqtrade.exchange, json, pathlib
file = pathlib.Path(freqtrade.exchange.__file__).parent / "binance_leverage_tiers.json"
answer = sorted(json.loads(file.read_text()))`,
    { venv: "freqtrade" },
  );
  // Theirs are of another day: contracts have come and gone since.
  const common = pairs.filter((pair) => theirs.includes(pair));
  assert(common.length > 0.8 * pairs.length, `${common.length} of ${pairs.length}`);
  assert(common.includes("BTC/USDT:USDT") && common.includes("1000PEPE/USDT:USDT"));
});

Deno.test("freqtrade's RemotePairList takes the pairlist, and keeps the pairs its exchange has", async () => {
  await withServed(async (served) => {
    const { pairs } = await (await fetch(`${served.url}/v1/pairlist/latest.json`)).json();
    assertEquals(pairs.length, 61);
    const config = await docBlock("freqtrade", served);
    served.take();
    const answer = await python(
      `${PARSE_MARKET}
import json
from freqtrade.enums import CandleType, RunMode
from freqtrade.plugins.pairlistmanager import PairListManager
from freqtrade.resolvers import ExchangeResolver

config = json.loads('''${config}''') | {
    "exchange": {"name": "binance", "key": "", "secret": "", "pair_whitelist": [], "pair_blacklist": []},
    "dry_run": True, "runmode": RunMode.DRY_RUN, "trading_mode": "futures", "margin_mode": "isolated",
    "stake_currency": "USDT", "candle_type_def": CandleType.FUTURES, "timeframe": "5m",
    "entry_pricing": {}, "exit_pricing": {},
}
binance = ExchangeResolver.load_exchange(config, validate=False, load_leverage_tiers=False)
known = [*${JSON.stringify(pairs.slice(0, 40))}, "OTHER/USDT:USDT"]
binance._markets = {m["symbol"]: m for m in
    (market(pair.split("/")[0] + "USDT", pair.split("/")[0], "USDT") for pair in known)}
manager = PairListManager(binance, config)
manager.refresh_pairlist()
answer = manager.whitelist`,
      { venv: "freqtrade", env: { HOME: served.scratch } },
    );
    assertEquals(answer, pairs.slice(0, 40));
    assertEquals(served.take().lines.length, 1);
  });
});
