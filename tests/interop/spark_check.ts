/** Spark, in one local session: parts from disk and from S3, partitions over a mirror, Databricks' statement. */

import { assert, assertEquals } from "@std/assert";
import { docBlock } from "../helpers/doc_blocks.ts";
import { python, toolsDir, withServed } from "../helpers/interop.ts";
import { type S3Server, withS3 } from "../helpers/s3_server.ts";

/** The S3 server of a test, as Spark is told of it. */
const session = (s3: S3Server, scratch: string) => `
import glob, os
from pyspark.sql import SparkSession

os.chdir("${scratch}")
options = {
    "spark.jars": ",".join(glob.glob("${toolsDir()}/s3a/jars/*.jar")),
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.warehouse.dir": "${scratch}/warehouse",
    "spark.hadoop.fs.s3a.endpoint": "${s3.url}",
    "spark.hadoop.fs.s3a.endpoint.region": "${s3.env.AWS_REGION}",
    "spark.hadoop.fs.s3a.path.style.access": "true",
    "spark.hadoop.fs.s3a.access.key": "${s3.env.AWS_ACCESS_KEY_ID}",
    "spark.hadoop.fs.s3a.secret.key": "${s3.env.AWS_SECRET_ACCESS_KEY}",
}
builder = SparkSession.builder.master("local[2]")
for name, value in options.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")

def rows(sql):
    for statement in sql.split(";"):
        if statement.strip():
            found = spark.sql(statement)
    return [list(row) for row in found.collect()]
`;

Deno.test("Spark reads the parts as a table, from a folder, from S3 and as partitions of a mirror", async () => {
  await withServed(async (served) => {
    const { dir, scratch, dataset } = served;
    await Deno.copyFile(`${scratch}/publisher/mirror/manifest.json`, `${scratch}/manifest.json`);
    const [folder, partitions, databricks] = await Promise.all(
      ["spark-folder", "spark-partitions", "databricks-table"].map((name) =>
        docBlock(name, served)
      ),
    );
    await withS3(async (s3) => {
      const answer = await python(
        `${session(s3, scratch)}
answer = {"folder": rows('''${folder!.replace("/srv/bfa", dir)}''')}

path = spark._jvm.org.apache.hadoop.fs.Path
bucket = path("s3a://bfa/").getFileSystem(spark._jsc.hadoopConfiguration())
bucket.copyFromLocalFile(path("${dir}/parts"), path("s3a://bfa/parts"))
bucket.copyFromLocalFile(path("${scratch}/publisher/mirror"), path("s3a://bfa/mirror"))
answer["databricks"] = rows('''${databricks}''')

${partitions!.replace("period = '2024' AND", "period = '2024-01' AND")}
answer["january"] = [[str(row.date), row.symbol, row.close_price] for row in january.collect()]
answer["opened"] = len(january.inputFiles())
answer["parts"] = rows("SELECT period, count(*) FROM availability GROUP BY period ORDER BY period")
types = spark.table("daily_availability").dtypes
answer["types"] = sorted({type for name, type in types})
answer["single"] = spark.read.parquet("${dir}/availability.parquet").where("symbol = 'BTCUSDT'").count()`,
        { venv: "spark" },
      );
      const states = await dataset.sql(
        "SELECT state, count(*) FROM daily_availability GROUP BY ALL ORDER BY ALL",
      );
      assertEquals(answer.folder, states.rows as unknown);
      const day = await dataset.sql(
        `SELECT symbol, quote_volume_usdt FROM daily_availability
         WHERE date = '2024-01-15' AND state = 'traded' ORDER BY symbol`,
      );
      assertEquals(answer.databricks.sort(), day.rows as unknown);
      const january = await dataset.sql(
        `SELECT date, symbol, close_price FROM daily_availability
         WHERE date BETWEEN '2024-01-01' AND '2024-01-31' AND state = 'traded'`,
      );
      assert(january.rows.length > 1000);
      assertEquals(answer.january, january.rows as unknown);
      const periods = await dataset.sql(
        `SELECT CASE WHEN year(date) < 2024 THEN strftime(date, '%Y') ELSE strftime(date, '%Y-%m') END,
         count(*) FROM daily_availability GROUP BY 1 ORDER BY 1`,
      );
      assertEquals(answer.parts, periods.rows as unknown);
      assertEquals(answer.types, [
        "bigint",
        "boolean",
        "date",
        "double",
        "string",
        "timestamp_ntz",
      ]);
      assertEquals(answer.single, 500);
    }, "bfa");
  });
});
