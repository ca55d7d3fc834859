/**
 * What the dataset says of itself, wherever it is described: `datapackage.json`, Croissant, schema.org.
 *
 * @module
 */

/** Title, text, licence, sources and people of the dataset. */
export const ABOUT = {
  title: "Binance USDⓈ-M futures: daily availability",
  description:
    "Which Binance USDⓈ-M futures existed, and really traded, on each day; without survivorship bias. One row per contract and UTC day since 2019-12-31, with state, file size, volumes, trades and prices where they are known, and a ranking by volume.",
  keywords: ["Binance", "futures", "perpetual", "cryptocurrency", "survivorship bias", "universe"],
  license: { name: "MIT", path: "https://opensource.org/license/mit", title: "MIT License" },
  source: { title: "Binance Vision", path: "https://data.binance.vision/" },
  maker: "The bfa authors",
} as const;
