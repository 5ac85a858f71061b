using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Singa.Actors.Cli.Plotting;

/// <summary>How values of a panel become heights.</summary>
internal sealed record Scale(bool IsLogarithmic)
{
    /// <summary>Where most values are this many times smaller than the largest, their differences are invisible on a linear scale.</summary>
    private const double Hidden = 8;

    /// <summary>Logarithmic where the end of training would lie flat on the axis.</summary>
    public static Scale For(Figure figure, IEnumerable<Curve> curves)
    {
        var sorted = curves.SelectMany(c => c.Values).Order().ToArray();
        return new Scale(figure != Figure.Accuracy && sorted[0] > 0 && sorted[^1] / sorted[sorted.Length / 2] >= Hidden);
    }

    public double Of(double value) => IsLogarithmic ? Math.Log10(value) : value;

    /// <summary>Ticks at 1, 2 and 5 times powers of ten, or at the powers alone where these are many; fewer would leave nothing to read off.</summary>
    public ITickGenerator Ticks(double low, double high)
    {
        if (!IsLogarithmic)
            return new NumericAutomatic();
        double[] steps = high - low < 3 ? [1, 2, 5] : [1];
        var ticks = new NumericManual();
        for (double power = Math.Floor(low); power <= high; power++)
        {
            for (int digit = 1; digit <= 9; digit++)
            {
                double value = Math.Log10(digit) + power;
                if (value < low || value > high)
                    continue;
                if (steps.Contains(digit))
                    ticks.AddMajor(value, Math.Pow(10, value).ToString("G3", CultureInfo.InvariantCulture));
                else
                    ticks.AddMinor(value);
            }
        }

        return ticks;
    }
}
