import {
  Document,
  HeadingLevel,
  Packer,
  Paragraph,
  Table,
  TableCell,
  TableRow,
  TextRun,
} from "docx";

const h1 = (text: string) => new Paragraph({ text, heading: HeadingLevel.HEADING_1 });
const h2 = (text: string) => new Paragraph({ text, heading: HeadingLevel.HEADING_2 });
const p = (text: string) => new Paragraph({ children: [new TextRun(text)] });
const item = (text: string) => new Paragraph({ text, bullet: { level: 0 } });
const table = (rows: readonly (readonly string[])[]) =>
  new Table({
    rows: rows.map(
      (cells) =>
        new TableRow({ children: cells.map((cell) => new TableCell({ children: [p(cell)] })) }),
    ),
  });

async function pack(title: string, children: (Paragraph | Table)[]): Promise<Uint8Array> {
  const creator = "Halvorsen Marine Instruments";
  return Packer.toBuffer(new Document({ title, creator, sections: [{ children }] }));
}

/** A review of the gateway's security. */
export function securityReview(): Promise<Uint8Array> {
  return pack("Shoreline gateway security review", [
    h1("Shoreline gateway security review"),
    p(
      "Reviewed in March 2031 by Ingrid Moe and an outside firm, on firmware 4.1.3. The review took nine days and covered the gateway, its radio and the upload to our servers. It did not cover the harbour authorities' own systems.",
    ),
    h2("Result"),
    p(
      "Two findings must be closed before firmware 4.2 ships. No finding lets somebody change readings after they were signed by the buoy.",
    ),
    table([
      ["Finding", "Severity", "Owner", "Due"],
      ["S-1 Default password on the service port", "High", "Gateway team", "15 April 2031"],
      ["S-2 Firmware signature checked after unpacking", "High", "Firmware team", "30 April 2031"],
      ["S-3 Radio keys never change", "Medium", "Radio team", "Firmware 4.3"],
      ["S-4 Log shows full position of each buoy", "Low", "Gateway team", "Accepted"],
    ]),
    h2("How keys are kept"),
    p(
      "Each buoy has its own Ed25519 key, made in the factory and never read out again. The public key is printed on the calibration certificate. The gateway holds the fleet's public keys and a short-lived certificate for the upload, which is renewed every 72 hours.",
    ),
    h2("What we recommend"),
    item("Ship every gateway with a random password on a sticker under the lid."),
    item("Check the signature of the firmware before a single byte of it is unpacked."),
    item("Change radio keys every 90 days and when a buoy is reported stolen."),
  ]);
}

/** The installation guide, in Chinese. */
export function installationGuide(): Promise<Uint8Array> {
  return pack("Kelpline 浮标安装指南", [
    h1("Kelpline 浮标安装指南"),
    p(
      "本指南适用于 K2 浮标和 Shoreline 岸基网关。安装前请核对浮标外壳上的序列号与校准证书上的序列号是否一致;如果不一致,请勿投放,并联系客户服务部门。",
    ),
    h2("选择地点"),
    p(
      "最低潮位时水深至少应为六米,使两米深处的传感器不会触底。浮标应远离渡轮航道一百五十米,远离排水口四百米,否则管道排出的淡水会影响盐度读数。",
    ),
    h2("投放步骤"),
    p(
      "投放需要两人和一艘吊杆起重能力不低于一百二十公斤的船。浪高超过一米时不得出海。将磁性钥匙贴在顶部标记处五秒钟,自检通过后指示灯闪绿光三次;如果闪红光,闪光次数就是故障代码。",
    ),
    h2("维护周期"),
    table([
      ["项目", "周期", "负责人"],
      ["清洗电导率传感器", "每十一周(水温高于十八度)", "现场技术员"],
      ["采集水样核对盐度", "每三个月", "现场技术员"],
      ["实验室校准", "每年一次", "卑尔根服务中心"],
      ["更换电池", "每两年", "服务中心"],
    ]),
    h2("冬季存放"),
    p("结冰之前应将浮标收回。用淡水冲洗并晾干两天,电池保持一半电量,存放温度为五至十五度。"),
  ]);
}
