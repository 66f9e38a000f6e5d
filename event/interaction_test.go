package event

import "testing"

func TestMergeKeepsWhatOthersReported(t *testing.T) {
	i64, f64 := func(v int64) *int64 { return &v }, func(v float64) *float64 { return &v }
	talk := Measures{DurationMS: 9000, TalkMS: i64(7000), Parameters: "non_talk=3s"}
	media := Measures{DurationMS: 9984, MOS: f64(4.2), LossPercent: f64(0)}
	got := talk.Merge(media)
	if got.DurationMS != 9984 || got.TalkMS == nil || *got.TalkMS != 7000 || got.MOS == nil || *got.MOS != 4.2 || got.LossPercent == nil || got.Parameters != "non_talk=3s" {
		t.Errorf("merged %+v", got)
	}
	if back := media.Merge(talk); back.DurationMS != 9984 || back.TalkMS == nil || back.MOS == nil {
		t.Errorf("merged the other way %+v", back)
	}
}
