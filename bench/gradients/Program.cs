using System.Diagnostics;
using System.Globalization;
using Singa.Actors.Bench.Gradients;
using Singa.Actors.Graph;

// The gradients of ops and layers against TorchSharp's, on random shapes: dotnet run -c Release --project bench/gradients [SHAPES] [OP]
const double doubleTolerance = 1e-12, singleTolerance = 1e-4;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
int shapes = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 50;
OptionalVersion.Apply();
Console.WriteLine($"Singa.Actors against {typeof(TorchSharp.torch).Assembly.GetName().Name} {FileVersionInfo.GetVersionInfo(typeof(TorchSharp.torch).Assembly.Location).ProductVersion?.Split('+')[0]}, "
    + $"{shapes} shapes of each; largest difference of result and gradients relative to the largest number of its tensor, tolerance {doubleTolerance:0e0} and {singleTolerance:0e0}");
Console.WriteLine();
Console.WriteLine("| op | float64 | float32 | |");
Console.WriteLine("|---|--:|--:|---|");
bool good = true;
foreach (var family in Families.All.Where(f => args.Length < 2 || f.Op.Contains(args[1], StringComparison.OrdinalIgnoreCase)))
{
    var (doubles, singles) = (new Worst(), new Worst());
    for (int seed = 0; seed < shapes; seed++)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var it = family.Next(new Draw(seed));
        doubles.Hear(Comparison.Of(it, DType.Float64, new Draw(seed + 1_000_000)), it.Choice);
        singles.Hear(Comparison.Of(it, DType.Float32, new Draw(seed + 1_000_000)), it.Choice);
    }

    bool agrees = doubles.Difference <= doubleTolerance && singles.Difference <= singleTolerance;
    good &= agrees;
    Console.WriteLine($"| {family.Op} | {doubles.Difference:0.0e+0} | {singles.Difference:0.0e+0} | {(agrees ? "agrees" : $"differs: {(doubles.Difference > doubleTolerance ? doubles : singles).Choice}")} |");
}

return good ? 0 : 1;

internal sealed class Worst
{
    public double Difference { get; private set; }

    public string Choice { get; private set; } = "";

    public void Hear(double difference, string choice)
    {
        if (difference > Difference)
            (Difference, Choice) = (difference, choice);
    }
}
