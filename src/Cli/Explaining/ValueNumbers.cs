using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Cli.Explaining;

/// <summary>
/// Knows equal results: operations of one name and form whose inputs are equal results, however many blocks hold them. What lasts
/// beyond a section is never equal to anything, for it changes.
/// </summary>
internal sealed class ValueNumbers(Plan plan)
{
    private readonly Dictionary<string, int> known = [];
    private readonly Dictionary<int, string> values = [];

    /// <summary>Takes down an operation; the position of an earlier one with the same results, or −1.</summary>
    public int Number(Operation operation, int position)
    {
        var kernel = operation.Kernel;
        string work = string.Join(
            '|', [operation.Name, KernelText.Form(kernel), Key(kernel), .. kernel.Inputs.Select(o => $"{Value(o.Block)} {Place(o)}"), .. kernel.Outputs.Select(Place)]);
        bool passing = kernel.Outputs.All(o => plan.Blocks[o.Block].Kind == BlockKind.Transient);
        int earlier = passing && known.TryGetValue(work, out int first) ? first : -1;
        known.TryAdd(work, position);
        int number = earlier < 0 ? position : earlier;
        for (int i = 0; i < kernel.Outputs.Length; i++)
        {
            var output = kernel.Outputs[i];
            // A block that is filled window by window is what all its writers have made of it.
            string before = plan.Blocks[output.Block].Bytes > output.Shape.Count * Graph.DTypes.Size(output.DType) ? Value(output.Block) : "";
            values[output.Block] = passing ? $"{before}{number}.{i}" : $"{position}.{i}";
        }

        return earlier;
    }

    private string Value(int block) => values.TryGetValue(block, out var value) ? value : $"b{block}";

    private static string Place(Operand operand) => $"{KernelText.Type(operand)}+{operand.Offset}";

    /// <summary>What tells kernels without inputs apart.</summary>
    private static string Key(Kernel kernel) => kernel is RandomKernel random ? $"{random.Key}/{random.Stream}" : "";
}
