using System.Buffers.Binary;
using Singa.Actors.Runtime.Checking;

namespace Singa.Actors.Runtime.Tests.Checking;

/// <summary>Real files with something changed: each is judged by a sentence, in little memory, and none brings anybody down.</summary>
public sealed class FuzzTests
{
    // Beyond a multiple of the file itself what building a graph may take, and the tables of one node more.
    private const long AllocationMax = 512 << 20, AllocationPerByte = 4096;

    private static readonly bool Long = Environment.GetEnvironmentVariable("SINGA_LONG") == "1";
    private static readonly int Inputs = Long ? 4_000_000 : 10_000;

    private const int Seed = 1;

    // Of a single input, on a machine as busy as can be. Only a hang takes so long.
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(2);

    private readonly Lock gate = new();
    private string current = "";
    private byte[] content = [];

    [Fact]
    public void Changed_files_are_judged_without_crash_hang_or_much_memory()
    {
        Exception? fault = null;
        int done = 0;
        var thread = new Thread(() => fault = Record.Exception(() => Run(ref done)), 16 << 20) { IsBackground = true };
        thread.Start();
        for (int before = -1; !thread.Join(Deadline); before = done)
        {
            lock (gate)
                Assert.True(done > before, $"{current} hangs: {Convert.ToBase64String(content)}");
        }

        lock (gate)
            Assert.True(fault is null, $"{current}: {fault?.GetType().Name} {fault?.Message} {fault?.StackTrace}\n{Convert.ToBase64String(content)}");
    }

    private void Run(ref int done)
    {
        var random = new Random(Seed);
        var files = RealFiles.All;
        // The one made here of each kind as often as all of the suite's together.
        int own = files.TakeWhile(f => !f.Name.Contains('/')).Count();
        for (; done < Inputs; done++)
        {
            var (name, original) = files[random.Next(3) == 0 || own == files.Count ? random.Next(own) : random.Next(own, files.Count)];
            byte[] changed = name.EndsWith(".onnx", StringComparison.Ordinal) && random.Next(2) == 0 ? ModelChanges.Apply(random, original) : Changed(random, original, files);
            lock (gate)
                (current, content) = (name, changed);
            long before = GC.GetAllocatedBytesForCurrentThread();
            FileCheck.Refusal(name, new MemoryStream(changed));
            long taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(taken <= AllocationMax + AllocationPerByte * changed.Length, $"{taken:N0} bytes for {changed.Length:N0}");
        }
    }

    private static byte[] Changed(Random random, byte[] original, IReadOnlyList<(string, byte[] Content)> files)
    {
        var bytes = original.ToList();
        for (int times = random.Next(1, 5); times > 0 && bytes.Count > 0; times--)
        {
            int at = random.Next(bytes.Count), length = Math.Min(random.Next(1, 16), bytes.Count - at);
            switch (random.Next(9))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes[at] = new byte[] { 0, 1, 0x7F, 0x80, 0xFF, (byte)'{', (byte)'"' }[random.Next(7)];
                    break;
                case 3:
                    bytes.RemoveRange(at, length);
                    break;
                case 4:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 5:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 6:
                    // A number as large as can be, in protobuf's way of writing.
                    bytes.InsertRange(at, Enumerable.Repeat((byte)0xFF, random.Next(1, 9)).Append((byte)0x01));
                    break;
                case 7:
                    var other = files[random.Next(files.Count)].Content;
                    int from = random.Next(Math.Max(1, other.Length));
                    bytes.InsertRange(at, other.Skip(from).Take(random.Next(64)));
                    break;
                default:
                    var number = new byte[8];
                    BinaryPrimitives.WriteInt64LittleEndian(number, random.NextInt64() >> random.Next(64));
                    for (int i = 0; i < Math.Min(8, bytes.Count - at); i++)
                        bytes[at + i] = number[i];
                    break;
            }
        }

        return [.. bytes];
    }
}
