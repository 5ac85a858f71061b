using Singa.Actors.Graph.Models;

namespace Singa.Actors.Graph.Tests.Models;

public sealed class ModelSettingsTests
{
    private static readonly ModelSettings Settings = new([new("dropout", "0.1"), new("layers", "4"), new("tied", "on"), new("norm", "rms")]);

    [Fact]
    public void Values_are_read_in_their_types_and_absent_ones_have_defaults()
    {
        Assert.Equal((0.1, 4, true, "rms"), (Settings.Number("dropout", 0), Settings.Whole("layers", 2), Settings.Flag("tied", false), Settings.OneOf("norm", "layer", "layer", "rms")));
        Assert.Equal((0.5, 2, false, "layer"), (Settings.Number("x", 0.5), Settings.Whole("x", 2), Settings.Flag("x", false), Settings.OneOf("x", "layer", "layer")));
    }

    [Fact]
    public void A_wrong_value_is_refused_with_its_key()
    {
        Assert.Equal("must be a number from 0.2 to below 1, not '0.1'", Refused("dropout", s => s.Number("dropout", 0, 0.2, 1)));
        Assert.Equal("must be a whole number of at least 5, not '4'", Refused("layers", s => s.Whole("layers", 5, 5)));
        Assert.Equal("must be on or off, not '4'", Refused("layers", s => s.Flag("layers", false)));
        Assert.Equal("must be layer | batch, not 'rms'", Refused("norm", s => s.OneOf("norm", "layer", "layer", "batch")));
    }

    [Fact]
    public void A_setting_that_a_model_does_not_have_is_refused_by_name()
    {
        var error = Assert.Throws<GraphException>(() => ModelCatalog.Create("lenet", Shape.Of(1, 28, 28), 10, Settings));
        Assert.Equal("model 'lenet' has no setting 'dropout'; it has none", error.Message);
    }

    private static string Refused(string key, Func<ModelSettings, object> read)
    {
        var error = Assert.Throws<GraphException>(() => read(Settings));
        Assert.Equal(key, error.Setting);
        return error.Message;
    }
}
