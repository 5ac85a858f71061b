using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Bench.Memory;

/// <summary>What is alive where in a plan.</summary>
internal static class Timeline
{
    public static void Write(Plan plan, bool all)
    {
        foreach (var section in plan.Sections)
        {
            var first = new Dictionary<int, int>();
            var last = new Dictionary<int, int>();
            for (int i = 0; i < section.Operations.Length; i++)
            {
                foreach (var o in section.Operations[i].Kernel.Inputs.Concat(section.Operations[i].Kernel.Outputs))
                {
                    first.TryAdd(o.Block, i);
                    last[o.Block] = i;
                }
            }

            var blocks = first.Keys.Where(b => plan.Blocks[b].Kind == BlockKind.Transient).ToArray();
            var sums = Enumerable.Range(0, section.Operations.Length).Select(i => blocks.Where(b => first[b] <= i && i <= last[b]).Sum(b => plan.Blocks[b].Bytes)).ToArray();
            if (sums.Length == 0)
                continue;
            int peak = Array.IndexOf(sums, sums.Max());
            Console.WriteLine($"section {section.Name}: most at {peak} of {sums.Length}, {sums[peak] / 1048576.0:0.00} MiB");
            if (!all && !section.Name.StartsWith("gradients"))
                continue;
            foreach (int b in blocks.Where(b => first[b] <= peak && peak <= last[b]).OrderByDescending(b => plan.Blocks[b].Bytes).TakeWhile(b => plan.Blocks[b].Bytes > 100000))
                Console.WriteLine($"   {plan.Blocks[b].Bytes / 1048576.0,8:0.00} {first[b],5} {last[b],5} {plan.Blocks[b].Name}");
            if (all)
            {
                for (int i = 0; i < sums.Length; i++)
                {
                    var k = section.Operations[i].Kernel;
                    Console.WriteLine($"{i,4} {sums[i] / 1048576.0,8:0.00} {section.Operations[i].Name} <{k.GetType().Name.Replace("Kernel","")}> {string.Join(" ", k.Outputs.Select(o => $"b{o.Block}{o.Shape}"))} <- {string.Join(" ", k.Inputs.Select(o => $"b{o.Block}{o.Shape}"))}");
                }
            }
        }
    }
}
